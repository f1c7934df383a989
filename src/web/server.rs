//! A small HTTP server on hyper: HTTP/1.1 and HTTP/2 with prior knowledge on one port, everything bounded
//! and timed, shared by the status page and the hello pages. It knows nothing of what it serves.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::body::Body;
use super::limits::{Limits, UNCOUNTED_BYTES, URI_BYTES};
use super::protocol::{Protocols, Streams, gracefully, is_framed};
use super::pulse::{Busy, Pulse, Socket, Ticks};
use super::respond;
use super::seats::{Seats, neighbourhood};
use super::unsent::{Budget, Unsent};
use crate::vitals::Vitals;

/// Errors of `accept` are logged at most this often: while no file descriptor is free there are ten a second.
const COMPLAIN: Duration = Duration::from_mins(1);
/// When to try again after a 503, in seconds.
const RETRY: u64 = 5;
/// Sent where there is no place left. Written by hand, because no connection is made for it.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 21\r\n\r\ntoo many connections\n";

/// Serves `listener` until `shutdown`, then lets what is under way finish for at most [`Limits::drain`].
/// `answer` is called with each request and the address of the peer.
pub async fn serve<A, F>(
    listener: TcpListener,
    answer: A,
    limits: Limits,
    vitals: Arc<Vitals>,
    shutdown: CancellationToken,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut house = House::new(answer, limits, vitals, shutdown);
    let mut sweep = interval(limits.sweep);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut resume = Instant::now();
    let mut complained: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = house.shutdown.cancelled() => break,
            _ = sweep.tick() => house.sweep(),
            Some(ended) = house.connections.join_next_with_id() => house.ended(ended),
            accepted = accept(&listener, resume) => match accepted {
                Ok((stream, peer)) => house.enter(stream, peer),
                Err(error) if is_of_the_peer(&error) => debug!(%error, "A connection ended before it began"),
                Err(error) => {
                    // No file descriptor or no memory: trying at once again would only burn time.
                    resume = Instant::now() + limits.pause;
                    if complained.is_none_or(|at| at.elapsed() >= COMPLAIN) {
                        complained = Some(Instant::now());
                        warn!(%error, "Cannot accept connections; raise LimitNOFILE if no file descriptor is free");
                    }
                }
            },
        }
    }
    drop(listener);
    house.drain().await;
}

/// The next connection, not before `resume`.
async fn accept(
    listener: &TcpListener,
    resume: Instant,
) -> std::io::Result<(TcpStream, SocketAddr)> {
    if Instant::now() < resume {
        sleep_until(resume).await;
    }
    listener.accept().await
}

/// Errors of one connection that `accept` reports, which say nothing of the next one.
fn is_of_the_peer(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// A server at work.
struct House<A> {
    answer: A,
    limits: Limits,
    vitals: Arc<Vitals>,
    shutdown: CancellationToken,
    /// Wakes the connections when they are to end.
    ends: CancellationToken,
    protocols: Arc<Protocols>,
    streams: TaskTracker,
    connections: JoinSet<()>,
    seats: Seats,
    ticks: Arc<Ticks>,
}

type Ended = Result<(tokio::task::Id, ()), tokio::task::JoinError>;

impl<A, F> House<A>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    fn new(answer: A, limits: Limits, vitals: Arc<Vitals>, shutdown: CancellationToken) -> Self {
        let streams = TaskTracker::new();
        Self {
            answer,
            limits,
            vitals,
            shutdown,
            ends: CancellationToken::new(),
            protocols: Arc::new(Protocols::new(Streams(streams.clone()))),
            streams,
            connections: JoinSet::new(),
            seats: Seats::new(limits),
            ticks: Ticks::new(),
        }
    }

    fn sweep(&mut self) {
        self.ticks.advance();
        self.seats.sweep();
        self.vitals.progress.web.bump();
    }

    fn enter(&mut self, stream: TcpStream, peer: SocketAddr) {
        let address = neighbourhood(peer.ip());
        if !self.seats.make_room(address) {
            // As far as the socket takes it at once; this peer is not worth waiting for.
            if let Err(error) = stream.try_write(FULL) {
                debug!(%error, "A connection too many went away");
            }
            return;
        }
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "A connection ended before it began");
            return;
        }
        let pulse = Pulse::new(&self.ticks);
        let visit = Visit {
            answer: self.answer.clone(),
            peer,
            pulse: Arc::clone(&pulse),
            budgets: Arc::new(self.seats.budgets(address)),
            vitals: Arc::clone(&self.vitals),
        };
        let protocols = Arc::clone(&self.protocols);
        let connection = connection(
            protocols,
            stream,
            visit,
            (self.ends.clone(), self.limits.settle),
        );
        let task = self.connections.spawn(connection);
        self.seats.sit(address, pulse, task);
        self.vitals.connections.bump();
    }

    fn ended(&mut self, ended: Ended) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                if error.is_panic() {
                    warn!(%error, "An answer failed; its connection was closed");
                }
                error.id()
            }
        };
        self.vitals.connections.sub(1);
        self.seats.leave(id);
    }

    /// Tells every connection to end, and waits for what is under way.
    async fn drain(mut self) {
        self.ticks.end();
        self.ends.cancel();
        let limit = self.limits.drain;
        let finish = async {
            while let Some(ended) = self.connections.join_next_with_id().await {
                self.ended(ended);
            }
        };
        if timeout(limit, finish).await.is_err() {
            debug!(
                connections = self.seats.len(),
                "Connections did not end in time and were closed"
            );
            self.connections.abort_all();
            while let Some(ended) = self.connections.join_next_with_id().await {
                self.ended(ended);
            }
        }
        // The streams of HTTP/2 end with their connections.
        self.streams.close();
        if timeout(limit, self.streams.wait()).await.is_err() {
            warn!(
                streams = self.streams.len(),
                "Requests outlived their connections"
            );
        }
    }
}

/// What a connection needs to answer.
#[derive(Clone)]
struct Visit<A> {
    answer: A,
    peer: SocketAddr,
    pulse: Arc<Pulse>,
    /// What may wait to be taken, by all and by this address.
    budgets: Arc<[Budget; 2]>,
    vitals: Arc<Vitals>,
}

/// Serves one connection until it ends by itself or `end` asks it to, after the answers under way. One that has not
/// said anything then has `settle` to begin.
async fn connection<A, F>(
    protocols: Arc<Protocols>,
    stream: TcpStream,
    visit: Visit<A>,
    (end, settle): (CancellationToken, Duration),
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let pulse = Arc::clone(&visit.pulse);
    // Who was let in has asked, or is about to: to close now would throw the request away.
    let settled = async {
        end.cancelled().await;
        sleep(settle).await;
    };
    let framed = tokio::select! {
        framed = is_framed(&stream, &pulse) => framed,
        () = settled => return,
    };
    let Ok(framed) = framed else { return };
    let socket = Socket::new(stream, Arc::clone(&pulse));
    let service = service_fn(move |request| visit.request(request));
    let ended = if framed {
        gracefully(protocols.two.serve_connection(socket, service), &pulse, end).await
    } else {
        gracefully(protocols.one.serve_connection(socket, service), &pulse, end).await
    };
    if let Err(error) = ended {
        debug!(%error, "A connection was given up");
    }
}

impl<A, F> Visit<A>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    fn request(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<A, F> {
        self.vitals.requests.bump();
        let busy = self.pulse.begin(request.version());
        let is_head = request.method() == Method::HEAD;
        let target = request
            .uri()
            .path_and_query()
            .map_or("", PathAndQuery::as_str);
        let answer = (target.len() <= URI_BYTES).then(|| (self.answer)(request, self.peer));
        let budgets = Arc::clone(&self.budgets);
        async move {
            let response = match answer {
                Some(answer) => answer.await,
                None => respond::plain(StatusCode::URI_TOO_LONG, "the address is too long\n"),
            };
            Ok(finish(response, is_head, busy, &budgets))
        }
    }
}

/// An answer to HEAD has the head of the answer to GET; a large body is counted until it is taken; a feed keeps its
/// connection busy.
fn finish(
    mut response: Response<Body>,
    is_head: bool,
    busy: Busy,
    budgets: &[Budget; 2],
) -> Response<Body> {
    if is_head {
        if let Some(len) = response.body().length() {
            response.headers_mut().insert(CONTENT_LENGTH, len.into());
        }
        *response.body_mut() = Body::EMPTY;
    }
    match response.body_mut() {
        Body::Whole(bytes) if bytes.len() > UNCOUNTED_BYTES => {
            let Some(unsent) = Unsent::count(bytes.len(), budgets, busy.pulse()) else {
                return respond::retry_after(
                    respond::plain(StatusCode::SERVICE_UNAVAILABLE, "too many answers wait\n"),
                    RETRY,
                );
            };
            let counted = Body::counted(std::mem::take(bytes), unsent);
            *response.body_mut() = counted;
        }
        Body::Whole(_) | Body::Counted(_) => {}
        Body::Feed(feed) => feed.connect(busy),
    }
    response
}
