//! TLS errors are always respected; a further authority is trusted only where it was given.

use crate::shared::{SOON, config, run};
use agent::browser::{Browser, NavigationError};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Authority {
    pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

fn authority() -> Authority {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Test Authority");
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    Authority { pem: cert.pem(), issuer: rcgen::Issuer::new(params, key) }
}

async fn server(authority: &Authority, host: &str) -> SocketAddr {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap();
    let cert = params.signed_by(&key, &authority.issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(socket).await else { return };
                let mut request = [0_u8; 4096];
                if tls.read(&mut request).await.is_ok() {
                    let body = "<h1>secure</h1>";
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _sent = tls.write_all(answer.as_bytes()).await;
                    let _closed = tls.shutdown().await;
                }
            });
        }
    });
    at
}

#[test]
fn an_unknown_authority_is_refused_a_given_one_works_and_a_wrong_host_stays_refused() {
    run(async {
        let authority = authority();
        let mut config = config().await;
        config.host_rules = vec![
            ("secure.test".into(), server(&authority, "secure.test").await),
            ("wrong.test".into(), server(&authority, "other.test").await),
            ("closed.test".into(), ([127, 0, 0, 1], 9).into()),
        ];
        let plain = Browser::launch(config.clone()).await.unwrap();
        let page = plain.new_context().await.unwrap().new_page().await.unwrap();
        let refused = page.navigate("https://secure.test/", SOON).await;
        assert_eq!(
            refused,
            Err(NavigationError::CertificateInvalid("ERR_CERT_AUTHORITY_INVALID".into()))
        );
        assert!(matches!(
            page.navigate("http://closed.test/", SOON).await,
            Err(NavigationError::Refused(_))
        ));
        plain.close().await;
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, &authority.pem).unwrap();
        config.extra_ca = Some(ca);
        let trusting = Browser::launch(config).await.unwrap();
        let page = trusting.new_context().await.unwrap().new_page().await.unwrap();
        let there = page.navigate("https://secure.test/", SOON).await.unwrap();
        assert_eq!(there.status, Some(200));
        let wrong = page.navigate("https://wrong.test/", SOON).await;
        assert_eq!(
            wrong,
            Err(NavigationError::CertificateInvalid("ERR_CERT_COMMON_NAME_INVALID".into()))
        );
        let root = trusting.profile_dir();
        trusting.close().await;
        assert!(!root.exists(), "the private folder goes with the browser");
    });
}
