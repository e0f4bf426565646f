//! Options about the browser that several commands share.

use std::{net::SocketAddr, path::PathBuf};

use crate::browser::{GateProgram, LaunchConfig, Sandbox};

/// How the browser is started.
#[derive(Debug, Clone, clap::Args)]
pub struct BrowserOptions {
    /// Answers a host name with this address instead of DNS: HOST=ADDR:PORT (simulated portals only; repeatable, or
    /// separated by commas).
    #[arg(
        long = "map",
        env = "FLEET_HOST_RULES",
        value_delimiter = ',',
        value_name = "HOST=ADDR:PORT"
    )]
    pub map: Vec<String>,
    /// A further certificate authority (PEM file) this browser trusts.
    #[arg(long = "ca", env = "FLEET_EXTRA_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The Chromium binary; otherwise the usual places are searched.
    #[arg(long, env = "FLEET_CHROMIUM", value_name = "FILE")]
    pub chromium: Option<PathBuf>,
    /// The user the browser runs as when this program runs as root.
    #[arg(long, env = "FLEET_BROWSER_USER", value_name = "USER")]
    pub browser_user: Option<String>,
    /// Where the browser's private folders are made.
    #[arg(long, env = "FLEET_PROFILE_DIR", value_name = "DIR")]
    pub profile_dir: Option<PathBuf>,
    /// Starts Chromium without its sandbox: for development only, never with real data.
    #[arg(long, env = "FLEET_SANDBOX_OFF", hide = true)]
    pub sandbox_off: bool,
}

impl BrowserOptions {
    /// The launch configuration for pages in this time zone.
    ///
    /// # Errors
    /// A host rule is malformed.
    pub fn config(&self, timezone: Option<&str>) -> Result<LaunchConfig, String> {
        let mut host_rules = Vec::new();
        for rule in self.map.iter().filter(|rule| !rule.trim().is_empty()) {
            let (host, address) = rule
                .trim()
                .split_once('=')
                .ok_or_else(|| format!("`{rule}` is not HOST=ADDR:PORT"))?;
            let address: SocketAddr =
                address.parse().map_err(|_| format!("`{rule}` has no proper address and port"))?;
            host_rules.push((host.to_owned(), address));
        }
        let default = LaunchConfig::default();
        Ok(LaunchConfig {
            binary: self.chromium.clone(),
            user: self.browser_user.clone(),
            sandbox: if self.sandbox_off { Sandbox::OffForDevelopment } else { Sandbox::On },
            profile_root: self.profile_dir.clone(),
            timezone: timezone.map_or(default.timezone.clone(), str::to_owned),
            // With simulated portals nothing else may be reached.
            only_listed_hosts: !host_rules.is_empty(),
            host_rules,
            extra_ca: self.ca.clone(),
            tunnels: Some(GateProgram::own(None)),
            ..default
        })
    }
}
