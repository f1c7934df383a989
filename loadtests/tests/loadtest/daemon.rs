//! What a load test needs of a daemon, and what it did with it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::channel::Channel;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::interval;

/// How it misbehaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    /// This path answers 500 once the load begins.
    pub(crate) broken: Option<&'static str>,
    /// It has no heartbeats.
    pub(crate) no_heartbeats: bool,
    /// Its live streams end at once.
    pub(crate) short_streams: bool,
}

/// A small server that answers as the daemon does.
pub(crate) struct Daemon {
    pub(crate) url: String,
    /// Answers given, by method, path and status.
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    _tasks: JoinSet<()>,
}

impl Daemon {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let mut tasks = JoinSet::new();
        let seen = Arc::clone(&asked);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                let serve = service_fn(move |request| answer(request, manners, Arc::clone(&seen)));
                connections.spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), serve),
                );
            }
        });
        Self {
            url,
            asked,
            _tasks: tasks,
        }
    }

    /// How often this was answered: "GET /path 200".
    pub(crate) fn count(&self, what: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.get(what).copied().unwrap_or_default()
    }
}

type Body = BoxBody<Bytes, Infallible>;

const UUID: &str = "0b7a0c6e-4a63-4f1e-9d2c-6a1f0e2d3c4b";

async fn answer(
    request: Request<Incoming>,
    manners: Manners,
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let sent = body.collect().await.map(Collected::to_bytes);
    let sent = sent.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let known = parts.headers.contains_key("if-none-match");
    let (status, text) = match path.as_str() {
        path if manners.broken == Some(path) => (500, "out of order"),
        "/" if known => (304, ""),
        "/" | "/healthz" | "/checks/shop" | "/incidents" | "/metrics" => (200, "fine"),
        "/api/v1/status" => (200, "{}"),
        "/api/v1/checks" if manners.no_heartbeats => (200, r#"[{"name":"shop","kind":"http"}]"#),
        "/api/v1/checks" => (
            200,
            r#"[{"name":"shop","kind":"http"},{"name":"backup","kind":"heartbeat"}]"#,
        ),
        "/api/v1/checks/shop" => (200, r#"{"name":"shop"}"#),
        "/api/v1/checks/backup" => (
            200,
            r#"{"ping_url":"https://status.example.org/ping/0b7a0c6e-4a63-4f1e-9d2c-6a1f0e2d3c4b"}"#,
        ),
        "/events" => {
            count(&seen, "GET /events 200".to_owned());
            return Ok(stream(manners));
        }
        path if path == format!("/ping/{UUID}/start") => (200, "OK"),
        path if path == format!("/ping/{UUID}") && !sent.is_empty() => (200, "OK"),
        _ => (404, "no such page"),
    };
    count(&seen, format!("{} {path} {status}", parts.method));
    let mut response = Response::new(Full::from(text).boxed());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert("etag", "\"7\"".parse().unwrap());
    Ok(response)
}

fn count(seen: &Mutex<BTreeMap<String, usize>>, what: String) {
    *seen.lock().unwrap().entry(what).or_default() += 1;
}

/// An event each tenth of a second, or an early end.
#[expect(clippy::disallowed_methods, reason = "the task ends with its reader")]
fn stream(manners: Manners) -> Response<Body> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(8);
    if !manners.short_streams {
        let mut beat = interval(Duration::from_millis(100));
        let send = async move {
            loop {
                beat.tick().await;
                let event = Bytes::from_static(b"event: check\ndata: {}\n\n");
                if sender.send_data(event).await.is_err() {
                    return;
                }
            }
        };
        drop(tokio::task::spawn(send));
    }
    let mut response = Response::new(body.boxed());
    response
        .headers_mut()
        .insert("content-type", "text/event-stream".parse().unwrap());
    response
}
