//! One request and its answer over a connection that stands, and the count of what was handed over: it is taken when nothing moves
//! any more, so that "nothing was sent" is known and not guessed.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use rustls::ProtocolVersion;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::JoinHandle,
    time::timeout,
};

use super::{Got, HttpError, Limits, May, tls::refused_late};

/// Moves the bytes; ends when nobody waits for them any more.
struct Moving(JoinHandle<Result<(), hyper::Error>>);

impl Moving {
    /// Ends it, and waits until it has ended.
    async fn stop(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What went wrong, before it is known how much was handed over.
enum Fault {
    Connection(hyper::Error),
    Redirect(u16),
    Encoded,
    Long,
    Cut,
}

/// Sends the request and waits for the whole answer.
pub(super) async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    version: Option<ProtocolVersion>,
    host: String,
    limits: &Limits,
    (request, may): (Request<Full<Bytes>>, Option<&May>),
) -> Result<Got, HttpError> {
    let meter = Arc::new(Meter { may: may.cloned(), ..Meter::default() });
    let io = TokioIo::new(Metered { inner: stream, meter: meter.clone() });
    let stands = hyper::client::conn::http1::Builder::new()
        .max_buf_size(limits.head.max(8192))
        .max_headers(100)
        .handshake(io)
        .await;
    let (mut sender, connection) = stands.map_err(|error| HttpError::Broken {
        host: host.clone(),
        written: 0,
        why: error.to_string(),
    })?;
    let moving = Moving(tokio::spawn(connection));
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(Fault::Connection)?;
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        if head.status.is_redirection() {
            return Err(Fault::Redirect(status));
        }
        let encoded = head.headers.get(http::header::CONTENT_ENCODING);
        if encoded.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Fault::Encoded);
        }
        let body = Limited::new(body, limits.body).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Fault::Long } else { Fault::Cut }
        })?;
        Ok(Got { status, headers: head.headers, body: body.to_bytes() })
    };
    let ended = timeout(limits.answer, exchange).await;
    moving.stop().await;
    let written = meter.written.load(Ordering::SeqCst);
    match ended {
        Ok(Ok(got)) => Ok(got),
        _ if written == 0 && meter.over.load(Ordering::SeqCst) => Err(HttpError::Over { host }),
        Ok(Err(fault)) => Err(fault.told(version, host, limits, written)),
        Err(_) => Err(HttpError::Late { host, seconds: limits.answer.as_secs(), written }),
    }
}

impl Fault {
    fn told(
        self,
        version: Option<ProtocolVersion>,
        host: String,
        limits: &Limits,
        written: u64,
    ) -> HttpError {
        match self {
            Self::Connection(error) => {
                if let Some(alert) = refused_late(version, &error) {
                    return HttpError::Certificate { host, alert };
                }
                if error.is_parse_too_large() {
                    return HttpError::Head { host, limit: limits.head };
                }
                HttpError::Broken { host, written, why: error.to_string() }
            }
            Self::Redirect(status) => HttpError::Redirect { host, status },
            Self::Encoded => HttpError::Encoded { host },
            Self::Long => HttpError::Body { host, limit: limits.body },
            Self::Cut => {
                let why = "the body of the answer was cut short".to_owned();
                HttpError::Broken { host, written, why }
            }
        }
    }
}

/// What was handed over, and whether more may be.
#[derive(Default)]
struct Meter {
    may: Option<May>,
    written: AtomicU64,
    over: AtomicBool,
}

/// Counts what was handed over, so that "nothing was sent" is known and not guessed; and hands over nothing that may not leave any more.
struct Metered<S> {
    inner: S,
    meter: Arc<Meter>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if self.meter.may.as_ref().is_some_and(|may| !may.leave()) {
            self.meter.over.store(true, Ordering::SeqCst);
            return Poll::Ready(Err(std::io::ErrorKind::TimedOut.into()));
        }
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        match &polled {
            Poll::Ready(Ok(count)) => {
                self.meter.written.fetch_add(*count as u64, Ordering::SeqCst);
            }
            // What an error leaves behind in the layers below is not known.
            Poll::Ready(Err(_)) => {
                self.meter.written.fetch_add(1, Ordering::SeqCst);
            }
            Poll::Pending => {}
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::AlertDescription;

    use super::*;
    use crate::Fate;

    /// A server that takes everything and answers with an alert.
    struct Alerts(AlertDescription, bool);

    impl AsyncRead for Alerts {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            if !self.1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Err(std::io::Error::other(rustls::Error::AlertReceived(self.0))))
        }
    }

    impl AsyncWrite for Alerts {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            self.1 = true;
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn an_alert_after_the_request_refuses_it_only_where_the_server_cannot_have_read_it() {
        use AlertDescription as A;
        for (version, alert, fate) in [
            (Some(ProtocolVersion::TLSv1_3), A::CertificateRequired, Fate::Refused),
            (Some(ProtocolVersion::TLSv1_3), A::UnknownCA, Fate::Refused),
            (Some(ProtocolVersion::TLSv1_3), A::DecryptError, Fate::Refused),
            (Some(ProtocolVersion::TLSv1_3), A::AccessDenied, Fate::Unknown),
            (Some(ProtocolVersion::TLSv1_3), A::InternalError, Fate::Unknown),
            (Some(ProtocolVersion::TLSv1_2), A::BadCertificate, Fate::Unknown),
            (Some(ProtocolVersion::TLSv1_2), A::CertificateExpired, Fate::Unknown),
            (None, A::BadCertificate, Fate::Unknown),
        ] {
            let request = Request::post("/").body(Full::new(Bytes::from_static(b"x"))).unwrap();
            let stream = Alerts(alert, false);
            let limits = Limits::default();
            let error = over(stream, version, "payer".into(), &limits, (request, None))
                .await
                .err()
                .unwrap();
            assert_eq!(error.fate(), fate, "{version:?} {alert:?}: {error}");
        }
    }

    /// Takes nothing before the time is up.
    struct Stuck;

    impl AsyncRead for Stuck {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Stuck {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_was_never_handed_over_is_known_to_be_here() {
        let request = Request::post("/").body(Full::new(Bytes::from_static(b"x"))).unwrap();
        let limits = Limits { answer: Duration::from_millis(50), ..Limits::default() };
        let error =
            over(Stuck, None, "payer".into(), &limits, (request, None)).await.err().unwrap();
        assert!(matches!(error, HttpError::Late { written: 0, .. }), "{error}");
        assert_eq!(error.fate(), Fate::NotSent);
    }

    /// Takes eight bytes at a time and never answers.
    struct Slow(Arc<AtomicU64>);

    impl AsyncRead for Slow {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Slow {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            let count = buf.len().min(8);
            self.0.fetch_add(count as u64, Ordering::SeqCst);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn nothing_leaves_when_the_time_is_over() {
        let limits = Limits { answer: Duration::from_secs(5), ..Limits::default() };
        // Over before the first piece, and after it.
        for (pieces, sent, fate) in [(0, 0, Fate::NotSent), (1, 8, Fate::Unknown)] {
            let request = Request::post("/").body(Full::new(Bytes::from_static(b"x"))).unwrap();
            let (asked, out) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
            let may = May::new(move || asked.fetch_add(1, Ordering::SeqCst) < pieces);
            let asked = (request, Some(&may));
            let error =
                over(Slow(out.clone()), None, "payer".into(), &limits, asked).await.err().unwrap();
            assert_eq!((error.fate(), out.load(Ordering::SeqCst)), (fate, sent), "{error}");
            assert_eq!(matches!(error, HttpError::Over { .. }), pieces == 0, "{error}");
        }
    }
}
