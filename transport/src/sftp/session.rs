//! A session: opened after a look at the host's key, folders listed, files read.

use std::{borrow::Cow, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use russh::{
    client::Handle,
    keys::{Algorithm, PrivateKeyWithHashAlg, decode_secret_key},
};
use russh_sftp::{
    client::{Config, RawSftpSession, error::Error as Said},
    protocol::{FileAttributes, OpenFlags, StatusCode},
};
use tokio::{net::TcpStream, time::timeout};

use super::{
    Cause, SftpError, Site, SshLogin,
    host::{Guard, Seen},
};

/// Bytes of one read or write; every server takes as much.
pub(super) const CHUNK: usize = 32 * 1024;
/// Reads or writes under way at once.
pub(super) const WINDOW: usize = 16;

/// A session with a payer's SFTP server.
pub struct Session {
    pub(super) sftp: RawSftpSession,
    handle: Handle<Guard>,
    pub(super) host: String,
    pub(super) fsync: bool,
    names: usize,
}

/// A file in a folder. Has no `Debug`: its name is the payer's, and may name a patient.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: u64,
    /// When it was changed last, in seconds, by the server's clock.
    pub changed: Option<i64>,
}

/// Why a session does not stand, in words.
fn why(error: &russh::Error) -> String {
    match error {
        russh::Error::NoCommonAlgo { kind, .. } => format!("no common {kind:?}"),
        other => other.to_string(),
    }
}

impl Session {
    /// Opens a session. A host whose key is not known is told nothing.
    ///
    /// # Errors
    /// No connection, another host key, a login that is refused.
    pub async fn open(site: &Site) -> Result<Self, SftpError> {
        let host = format!("{}:{}", site.host, site.port);
        let fault = |doing, cause| SftpError::new(&host, doing, cause);
        let limits = site.limits;
        let unreached = |why: String| fault("connecting", Cause::Connect(why));
        let address = (site.host.as_str(), site.port);
        let stream = match timeout(limits.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(unreached(error.kind().to_string())),
            Err(_) => return Err(unreached("nothing came in time".to_owned())),
        };
        let _ = stream.set_nodelay(true);
        let opening = Self::agree(site, &host, stream);
        match timeout(limits.handshake, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(fault("opening", Cause::Handshake("nothing came in time".to_owned()))),
        }
    }

    async fn agree(site: &Site, host: &str, stream: TcpStream) -> Result<Self, SftpError> {
        let fault = |doing, cause| SftpError::new(host, doing, cause);
        let (guard, seen) = Guard::new(site.keys.accepted());
        let opened = russh::client::connect_stream(config(site), stream, guard).await;
        let mut handle = opened.map_err(|error| fault("opening", unknown(site, &seen, &error)))?;
        login(site, &mut handle).await.map_err(|cause| fault("logging in", cause))?;
        let broken = |error: russh::Error| fault("opening", Cause::Handshake(why(&error)));
        let channel = handle.channel_open_session().await.map_err(broken)?;
        channel.request_subsystem(true, "sftp").await.map_err(broken)?;
        let settings = Config {
            max_packet_len: 1024 * 1024,
            request_timeout_secs: site.limits.answer_seconds,
            ..Config::default()
        };
        let sftp = RawSftpSession::new_with_config(channel.into_stream(), settings);
        let version = sftp.init().await.map_err(|error| fault("opening", cause(&error)))?;
        let fsync = version.extensions.get("fsync@openssh.com").is_some_and(|v| v == "1");
        Ok(Self { sftp, handle, host: host.to_owned(), fsync, names: site.limits.names })
    }

    pub(super) fn fault(&self, doing: &'static str, error: &Said) -> SftpError {
        SftpError::new(&self.host, doing, cause(error))
    }

    /// The ordinary files of a folder, by name.
    ///
    /// # Errors
    /// No such folder, or one with too many names.
    pub async fn list(&self, folder: &str) -> Result<Vec<Listed>, SftpError> {
        let doing = "listing a folder";
        let opened = self.sftp.opendir(folder).await;
        let handle = opened.map_err(|error| self.fault(doing, &error))?.handle;
        let mut files = Vec::new();
        let mut seen = 0;
        let ended = loop {
            match self.sftp.readdir(&handle).await {
                Ok(names) if names.files.is_empty() => break Ok(()),
                Ok(names) => {
                    seen += names.files.len();
                    let files_only = names.files.into_iter().filter(|file| ordinary(&file.attrs));
                    files.extend(files_only.map(|file| listed(file.filename, &file.attrs)));
                }
                Err(Said::Status(status)) if status.status_code == StatusCode::Eof => break Ok(()),
                Err(error) => break Err(self.fault(doing, &error)),
            }
            if seen > self.names {
                break Err(SftpError::new(&self.host, doing, Cause::Names(self.names)));
            }
        };
        let _ = self.sftp.close(handle).await;
        ended?;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    pub(super) async fn stat(
        &self,
        path: &str,
        doing: &'static str,
    ) -> Result<Option<Listed>, SftpError> {
        match self.sftp.stat(path).await {
            Ok(found) => Ok(Some(listed(path.to_owned(), &found.attrs))),
            Err(Said::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(self.fault(doing, &error)),
        }
    }

    /// Reads the first `size` bytes of a file; fewer, where it has fewer.
    pub(super) async fn read(
        &self,
        path: &str,
        size: u64,
        doing: &'static str,
    ) -> Result<Vec<u8>, SftpError> {
        let opened = self.sftp.open(path, OpenFlags::READ, FileAttributes::empty()).await;
        let handle = opened.map_err(|error| self.fault(doing, &error))?.handle;
        let offsets = (0..size).step_by(CHUNK);
        let chunks: Result<Vec<Vec<u8>>, Said> = stream::iter(offsets)
            .map(|from| self.chunk(&handle, from, (size - from).min(CHUNK as u64)))
            .buffered(WINDOW)
            .try_collect()
            .await;
        let _ = self.sftp.close(&handle).await;
        chunks.map(|chunks| chunks.concat()).map_err(|error| self.fault(doing, &error))
    }

    async fn chunk(&self, handle: &str, from: u64, length: u64) -> Result<Vec<u8>, Said> {
        let mut bytes = Vec::with_capacity(length as usize);
        while (bytes.len() as u64) < length {
            let at = bytes.len() as u64;
            match self.sftp.read(handle, from + at, (length - at) as u32).await {
                Ok(data) if data.data.is_empty() => break,
                // More than was asked for is not taken.
                Ok(data) => bytes.extend(data.data.into_iter().take((length - at) as usize)),
                Err(Said::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    pub(super) async fn remove(&self, path: &str, doing: &'static str) -> Result<(), SftpError> {
        let removed = self.sftp.remove(path).await;
        removed.map(|_| ()).map_err(|error| self.fault(doing, &error))
    }

    pub(super) async fn rename(
        &self,
        from: &str,
        to: &str,
        doing: &'static str,
    ) -> Result<(), SftpError> {
        let renamed = self.sftp.rename(from, to).await;
        renamed.map(|_| ()).map_err(|error| self.fault(doing, &error))
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Ends the session.
    pub async fn close(self) {
        let _ = self.sftp.close_session();
        let _ = self.handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
    }
}

/// Whether it is a file, and no folder, link or device. Where a server does not say what it is, it is taken for one. (The bits are
/// a number, not flags: a link has those of a file among its own.)
fn ordinary(attributes: &FileAttributes) -> bool {
    attributes.permissions.is_none_or(|mode| matches!(mode & 0o170_000, 0 | 0o100_000))
}

fn listed(name: String, attributes: &FileAttributes) -> Listed {
    Listed { name, size: attributes.size.unwrap_or(0), changed: attributes.mtime.map(i64::from) }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// The server's own words are left out: they may repeat paths of its own.
fn cause(error: &Said) -> Cause {
    match error {
        Said::Status(status) => Cause::Status(status.status_code.to_string()),
        Said::Timeout => Cause::Lost("nothing came in time".to_owned()),
        Said::IO(_) => Cause::Lost("the connection broke".to_owned()),
        other => Cause::Lost(other.to_string()),
    }
}

/// What a host is told, and what it may show: the kinds of keys that are known first, so that a host with several shows the
/// one that is known.
fn config(site: &Site) -> Arc<russh::client::Config> {
    let mut kinds: Vec<Algorithm> =
        site.keys.accepted().flat_map(super::HostKey::algorithms).collect();
    let preferred = russh::Preferred::default();
    for kind in preferred.key.iter() {
        // SHA-1 proves nothing any more.
        if !kinds.contains(kind) && *kind != (Algorithm::Rsa { hash: None }) {
            kinds.push(kind.clone());
        }
    }
    Arc::new(russh::client::Config {
        client_id: russh::SshId::Standard(Cow::Borrowed("SSH-2.0-fleet")),
        preferred: russh::Preferred { key: Cow::Owned(kinds), ..preferred },
        inactivity_timeout: Some(std::time::Duration::from_secs(300)),
        nodelay: true,
        ..russh::client::Config::default()
    })
}

fn unknown(site: &Site, seen: &Seen, error: &russh::Error) -> Cause {
    match seen.take() {
        Some(seen) => {
            let known = site.keys.accepted().map(super::HostKey::fingerprint).collect();
            Cause::HostKey { known, seen }
        }
        None => Cause::Handshake(why(error)),
    }
}

async fn login(site: &Site, handle: &mut Handle<Guard>) -> Result<(), Cause> {
    let told = |error: russh::Error| Cause::Handshake(why(&error));
    let result = match &site.login {
        SshLogin::Password(password) => {
            let password = password.expose_text().ok_or(Cause::Login)?;
            handle.authenticate_password(&site.user, password).await.map_err(told)?
        }
        SshLogin::Key { key, pass_phrase } => {
            let pass_phrase = pass_phrase.as_ref().and_then(|secret| secret.expose_text());
            let text = key.expose_text().ok_or(Cause::Key)?;
            let key = decode_secret_key(text, pass_phrase).map_err(|_| Cause::Key)?;
            // The arithmetic behind RSA keys of ours leaks through time; a host's own RSA key is only looked at.
            if !matches!(key.algorithm(), Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) {
                return Err(Cause::Key);
            }
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
            handle.authenticate_publickey(&site.user, key).await.map_err(told)?
        }
    };
    if result.success() { Ok(()) } else { Err(Cause::Login) }
}
