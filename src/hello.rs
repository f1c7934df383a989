//! The two hello pages: each on a port of its own, fast as bare hyper, edited without a restart.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::LazyLock;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::vitals::Vitals;
use crate::web::body::Body;
use crate::web::limits::Limits;
use crate::web::stored::Stored;
use crate::web::watchers::{Door, KEEP_ALIVE, Visitor, Watchers};
use crate::web::{respond, server};

mod content;
mod policy;
#[cfg(test)]
mod tests;

pub use content::Content;
use content::Which;

/// Reloads the page when it has changed.
static RELOAD: LazyLock<Stored> = LazyLock::new(|| {
    Stored::new(
        &content::headers("text/javascript; charset=utf-8"),
        Bytes::from_static(include_bytes!("hello/reload.js")),
    )
});

/// One of the pages.
#[derive(Debug)]
struct Site {
    which: Which,
    content: watch::Receiver<Arc<Content>>,
    door: Door,
}

/// The listeners of each page.
#[derive(Debug, Default)]
pub struct Ports {
    pub hello: Vec<TcpListener>,
    pub shrunken: Vec<TcpListener>,
}

/// Serves both pages until `shutdown`, then lets what is under way finish. What `content` holds is what is
/// shown; pages that are open load themselves anew when it changes.
pub async fn run(
    ports: Ports,
    content: watch::Receiver<Arc<Content>>,
    vitals: Arc<Vitals>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let page = |which, listeners| {
        let (content, vitals) = (content.clone(), Arc::clone(&vitals));
        one(
            which,
            listeners,
            content,
            (vitals, limits),
            shutdown.clone(),
        )
    };
    tokio::join!(
        page(Which::Hello, ports.hello),
        page(Which::Shrunken, ports.shrunken)
    );
}

/// Serves one of the pages.
async fn one(
    which: Which,
    listeners: Vec<TcpListener>,
    content: watch::Receiver<Arc<Content>>,
    (vitals, limits): (Arc<Vitals>, Limits),
    shutdown: CancellationToken,
) {
    let (door, arrivals) = Door::new();
    let site = Arc::new(Site {
        which,
        content: content.clone(),
        door,
    });
    let mut servers = JoinSet::new();
    for listener in listeners {
        let site = Arc::clone(&site);
        let answer = move |request, peer: SocketAddr| answer(Arc::clone(&site), request, peer.ip());
        let (vitals, shutdown) = (Arc::clone(&vitals), shutdown.clone());
        servers.spawn(server::serve(listener, answer, limits, vitals, shutdown));
    }
    let served = async { while servers.join_next().await.is_some() {} };
    tokio::join!(served, tell(which, content, arrivals, shutdown));
}

async fn answer(site: Arc<Site>, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refused = respond::plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are taken\n");
        return respond::allow(refused, "GET, HEAD");
    }
    let headers: &HeaderMap = request.headers();
    match request.uri().path() {
        "/" => site.content.borrow().page(site.which).answer(headers),
        "/reload.js" => RELOAD.answer(headers),
        "/logo.svg" => site.content.borrow().logo().answer(headers),
        "/shrunken.css" if site.which == Which::Shrunken => {
            site.content.borrow().style().answer(headers)
        }
        "/events" => {
            if let Some(feed) = site.door.enter(false, peer).await {
                respond::feed(feed)
            } else {
                let full = StatusCode::SERVICE_UNAVAILABLE;
                respond::retry_after(respond::plain(full, "too many pages listen\n"), 5)
            }
        }
        _ => respond::plain(StatusCode::NOT_FOUND, "there is only one page here, at /\n"),
    }
}

/// Tells open pages which version there is, when they come and whenever it changes.
async fn tell(
    which: Which,
    mut content: watch::Receiver<Arc<Content>>,
    mut arrivals: mpsc::Receiver<Visitor>,
    shutdown: CancellationToken,
) {
    let mut watchers = Watchers::default();
    let mut keep_alive = interval(KEEP_ALIVE);
    let version = |content: &Content| {
        Bytes::from(format!(
            "retry: 2000\nevent: page\ndata: {}\n\n",
            content.tag(which)
        ))
    };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(visitor) = arrivals.recv() => {
                let message = version(&content.borrow());
                watchers.admit(visitor, &message);
            }
            Ok(()) = content.changed() => {
                let message = version(&content.borrow_and_update());
                watchers.tell(&message, None);
            }
            _ = keep_alive.tick() => watchers.keep_alive(),
        }
    }
}
