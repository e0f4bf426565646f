//! The server: our own accept loop, because only here can a slow or endless caller be bounded (a timer for headers, a cap on
//! connections, a time for each call). The caller owns shutdown: when its future ends, no new connection is taken, calls under
//! way may finish for a while, then everything is closed.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::{IntoResponse, Response},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt as _;

use crate::api::error::Problem;

/// A caller has this long to send its headers.
const HEADERS_MAX: Duration = Duration::from_secs(10);
/// Calls under way have this long to finish at shutdown.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Longest address (path and query) that is read.
const URI_MAX: usize = 4 * 1024;
/// All headers together.
const HEADERS_BYTES_MAX: usize = 16 * 1024;

/// Answers calls on `listener` until `shutdown` ends; at most `connections_max` connections at a time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    shutdown: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(connections_max));
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Room is taken before accepting: a caller beyond the cap waits in the kernel's queue.
        let permit = tokio::select! {
            () = &mut shutdown => break,
            permit = room.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let connection = one(stream, address, router.clone(), &graceful);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of descriptors, mostly: rest instead of spinning, and let connections end.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls under way were cut off at shutdown");
    }
}

fn one(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let _ = stream.set_nodelay(true);
    let service =
        hyper::service::service_fn(move |mut call: hyper::Request<hyper::body::Incoming>| {
            call.extensions_mut().insert(ConnectInfo(address));
            let router = router.clone();
            async move { Ok::<_, Infallible>(answer(router, call.map(Body::new)).await) }
        });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .max_buf_size(64 * 1024)
        .max_headers(64);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(HEADERS_BYTES_MAX as u32)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let connection =
        graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    async move {
        if let Err(error) = connection.await {
            // A caller that went away or never spoke HTTP; nothing of ours.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

async fn answer(router: Router, call: Request) -> Response {
    if call.uri().path_and_query().is_some_and(|p| p.as_str().len() > URI_MAX) {
        return Problem::new("uri-too-long", "the address is longer than 4 KiB").into_response();
    }
    let headers: usize = call.headers().iter().map(|(k, v)| k.as_str().len() + v.len() + 4).sum();
    if headers > HEADERS_BYTES_MAX {
        return Problem::new("bad-request", "the headers are longer than 16 KiB").into_response();
    }
    match router.oneshot(call).await {
        Ok(reply) => reply,
        Err(never) => match never {},
    }
}

/// Ends when the process is asked to end (SIGTERM, SIGINT).
pub async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; end the process by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
