//! The pages, the API and the pings: the HTTP side of the status address. It reads the view and the journal,
//! and hands inputs to the engine; it decides nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::core::check::CheckId;
use crate::core::view::View;
use crate::inbox::Inbox;
use crate::journal::Reader;
use crate::vitals::Vitals;

mod access;
pub mod api;
mod assets;
mod badge;
pub mod body;
mod buckets;
mod cache;
mod data;
mod dialect;
mod digest;
mod guard;
mod healthchecks;
mod intake;
mod keys;
pub mod limits;
mod live;
mod mask;
pub mod metrics;
mod mistake;
mod operate;
pub mod page;
mod past;
mod ping;
mod protocol;
mod pulse;
mod query;
pub(crate) mod respond;
mod route;
mod seal;
pub(crate) mod seats;
pub mod server;
mod show;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
mod token;
mod tokens;
mod unsent;
pub(crate) mod watchers;

pub use access::{Reached, is_local};
pub use buckets::Buckets;
pub use keys::Keys;
pub use seal::Seal;
pub use token::Token;
pub use tokens::Tokens;

use body::Body;
use cache::Cache;
use limits::Limits;
use mistake::Mistake;
use route::{Endpoint, Found, Route};
use show::Look;
use watchers::Door;

/// Drawings and lists of everything that are made at the same time: they take a core each.
const ASIDE: usize = 2;

/// What the pages say of the daemon beside what it watches. Replaced whole when the configuration changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub node: Arc<str>,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// Where people reach the status page, without a slash at its end, if the configuration says so.
    pub url: Option<Arc<str>>,
    /// To be read before everything else: a configuration that was refused.
    pub notice: Option<Arc<str>>,
    /// How this daemon is reached, which decides who is an operator.
    pub reached: Reached,
    pub about: page::About,
}

/// What the status page works with.
#[derive(Debug)]
pub struct Sources {
    pub view: watch::Receiver<Arc<View>>,
    pub inbox: Inbox,
    pub reader: Reader,
    pub vitals: Arc<Vitals>,
    pub clock: Clock,
    pub facts: watch::Receiver<Arc<Facts>>,
    /// Checks that an operator wants to be run at once.
    pub run_now: mpsc::Sender<CheckId>,
    /// With which heartbeats are addressed by their names.
    pub keys: watch::Receiver<Keys>,
    /// The tokens of the configuration.
    pub tokens: watch::Receiver<Tokens>,
    /// How many pings are taken.
    pub buckets: Arc<Buckets>,
    /// Whoever shows it is an operator; without one nobody is from elsewhere.
    pub token: Option<Token>,
    /// What makes the addresses of badges.
    pub seal: Seal,
}

/// The status page.
#[derive(Debug)]
struct App {
    view: watch::Receiver<Arc<View>>,
    inbox: Inbox,
    reader: Reader,
    vitals: Arc<Vitals>,
    clock: Clock,
    facts: watch::Receiver<Arc<Facts>>,
    run_now: mpsc::Sender<CheckId>,
    keys: watch::Receiver<Keys>,
    tokens: watch::Receiver<Tokens>,
    buckets: Arc<Buckets>,
    token: Option<Token>,
    seal: Seal,
    limits: Limits,
    cache: Cache,
    door: Door,
    aside: Semaphore,
    /// Whoever changes something over the management API.
    changes: Semaphore,
}

/// Serves the status page on every listener until `shutdown`, then lets what is under way finish.
pub async fn run(
    listeners: Vec<TcpListener>,
    sources: Sources,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let (door, arrivals) = Door::new();
    let app = Arc::new(App {
        view: sources.view,
        inbox: sources.inbox,
        reader: sources.reader,
        vitals: sources.vitals,
        clock: sources.clock,
        facts: sources.facts,
        run_now: sources.run_now,
        keys: sources.keys,
        tokens: sources.tokens,
        buckets: sources.buckets,
        token: sources.token,
        seal: sources.seal,
        limits,
        cache: Cache::new(),
        door,
        aside: Semaphore::new(ASIDE),
        changes: Semaphore::new(1),
    });
    let mut servers = JoinSet::new();
    for listener in listeners {
        let here = Arc::clone(&app);
        let answer = move |request, peer: SocketAddr| answer(Arc::clone(&here), request, peer.ip());
        let (vitals, shutdown) = (Arc::clone(&app.vitals), shutdown.clone());
        servers.spawn(server::serve(listener, answer, limits, vitals, shutdown));
    }
    // The painters work on while the last requests are answered; listeners to events would wait for ever.
    let painted = CancellationToken::new();
    let served = async {
        while servers.join_next().await.is_some() {}
        painted.cancel();
    };
    let live = live::run(Arc::clone(&app), arrivals, shutdown.clone());
    tokio::join!(served, live, cache::run(app, painted.clone()));
}

async fn answer(app: Arc<App>, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
    let (request, body) = request.into_parts();
    let found = route::find(&request.method, request.uri.path());
    if let Some(mistake) = guard::misdirected(&app, &found, &request, peer) {
        return mistake.answer(&app, &request, peer);
    }
    let (route, part) = match found {
        Found::Row(route, part) => (route, part),
        Found::Method(methods) => {
            let hint = format!("it takes {methods}");
            let mistake = Mistake::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this address does not take that method",
                &hint,
            );
            return respond::allow(mistake.answer(&app, &request, peer), methods);
        }
        Found::Nothing => return Mistake::no_page().answer(&app, &request, peer),
    };
    let refused = guard::refused(&app, route, &request, peer, &body);
    let answered = match refused {
        Some(mistake) => Err(mistake),
        None => give(&app, route, &request, body, peer, &part).await,
    };
    let answer = answered.unwrap_or_else(|mistake| mistake.answer(&app, &request, peer));
    if guard::has_own_answers(route) || !app.is_fooled(&request) {
        return answer;
    }
    respond::for_another_token(answer)
}

/// What a row of the table answers.
async fn give(
    app: &Arc<App>,
    route: &Route,
    request: &Parts,
    body: Incoming,
    peer: IpAddr,
    part: &str,
) -> Result<Response<Body>, Mistake> {
    let look = || Look::new(app, request, peer);
    match route.to {
        Endpoint::Overview => {
            let operator = app.standing(request, peer).is_operator();
            let drawn = app.cache.overview(app, operator, &request.headers).await;
            drawn.ok_or_else(|| Mistake::busy("the overview could not be drawn in time"))
        }
        Endpoint::Check => show::check(app, &look(), part).await,
        Endpoint::Incidents => show::incidents(app, &look()).await,
        Endpoint::Incident => show::incident(app, &look(), part).await,
        Endpoint::Heartbeats => show::heartbeats(app, &look()).await,
        Endpoint::PingBody => show::ping_body(app, &look(), part).await,
        Endpoint::Mail => show::mail(app, &look()).await,
        Endpoint::MailOne => show::mail_one(app, &look(), part).await,
        Endpoint::Badge => {
            let query = request.uri.query().unwrap_or_default();
            badge::badge(app, &look(), part, query).ok_or_else(Mistake::no_page)
        }
        Endpoint::About => Ok(show::about(app, &look())),
        Endpoint::Events => {
            let feed = app.door.enter(look().operator, peer).await;
            let full = || Mistake::busy("too many pages listen to changes");
            feed.map(respond::feed).ok_or_else(full)
        }
        Endpoint::ApiStatus => data::status(app, &look()).await,
        Endpoint::ApiChecks => data::checks(app, &look()).await,
        Endpoint::ApiCheck => data::check(app, &look(), part),
        Endpoint::ApiOutcomes => {
            let query = request.uri.query().unwrap_or_default();
            data::outcomes(app, &look(), part, query).await
        }
        Endpoint::ApiSeries => {
            let query = request.uri.query().unwrap_or_default();
            data::series(app, &look(), part, query).await
        }
        Endpoint::ApiIncidents => data::incidents(app, &look()).await,
        Endpoint::ApiIncident => data::incident(app, &look(), part).await,
        Endpoint::ApiOutbox => data::outbox(app, &look()).await,
        Endpoint::Metrics => data::figures(app, &look()).await,
        Endpoint::Health => Ok(respond::plain(StatusCode::OK, "OK")),
        Endpoint::Ready => Ok(data::ready(app)),
        Endpoint::Asset => {
            assets::asset(request.uri.path(), &request.headers).ok_or_else(Mistake::no_page)
        }
        Endpoint::Operate(operation, form) => {
            Ok(operate::operate(app, peer, request, body, (operation, form), part).await)
        }
        Endpoint::Healthchecks => {
            Ok(healthchecks::healthchecks(app, peer, request, body, part).await)
        }
        Endpoint::Dialect(dialect) => {
            let from = access::origin(&request.headers, peer);
            Ok(dialect::take(app, from, request, body, (dialect, part)).await)
        }
        Endpoint::Ping => {
            let from = access::origin(&request.headers, peer);
            Ok(match dialect::of_ping(part, request.uri.query()) {
                Some(dialect) => dialect::take(app, from, request, body, (dialect, part)).await,
                None => ping::ping(app, from, request, body, part).await,
            })
        }
    }
}

impl App {
    /// Does what takes long for a reactor (drawing or listing everything) beside it, a few at a time.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Mistake> {
        let turn = self.turn().await?;
        aside(turn, work).await
    }

    /// A turn to do something large; to be taken before anything large is fetched for it.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Mistake> {
        match timeout(self.limits.query, self.aside.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Mistake::busy("too many ask for everything at once")),
        }
    }
}

/// Does `work` beside the reactor while `turn` is held.
async fn aside<T: Send + 'static>(
    turn: SemaphorePermit<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Mistake> {
    let done = spawn_blocking(work).await;
    drop(turn);
    done.map_err(|_| {
        Mistake::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this could not be drawn",
            "the log says why",
        )
    })
}
