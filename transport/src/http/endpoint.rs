//! Addresses of servers: `https`, or `http` on this machine.

use url::Url;

use super::tls::Tls;

/// Where to.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) url: Url,
    pub(super) tls: Tls,
    pub(super) at: Option<std::net::SocketAddr>,
}

/// Why an address is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address.
    #[error("this is no address of a server")]
    Address,
    /// In clear, and not this machine.
    #[error("`http` is for this machine only; a payer is reached by `https`")]
    Clear,
    /// A password in the address.
    #[error("an address carries no user and no password")]
    Login,
}

impl Endpoint {
    /// From an address. `http` is taken for this machine only.
    ///
    /// # Errors
    /// What is no address, or one that would send in clear.
    pub fn new(address: &str, tls: &Tls) -> Result<Self, EndpointError> {
        let url = Url::parse(address).map_err(|_| EndpointError::Address)?;
        let here = match url.host().ok_or(EndpointError::Address)? {
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
            url::Host::Domain(name) => name == "localhost",
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Login);
        }
        match url.scheme() {
            "https" => Ok(Self { url, tls: tls.clone(), at: None }),
            "http" if here => Ok(Self { url, tls: tls.clone(), at: None }),
            "http" => Err(EndpointError::Clear),
            _ => Err(EndpointError::Address),
        }
    }

    /// The same server, a path below this address.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        Self { url, tls: self.tls.clone(), at: self.at }
    }

    /// The same server, reached at that address instead of where its name leads. It is recognised by its name as before.
    #[must_use]
    pub fn at(self, at: std::net::SocketAddr) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Server and port, for messages.
    #[must_use]
    pub fn host(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or(0);
        format!("{}:{port}", self.url.host_str().unwrap_or(""))
    }
}
