//! A logged-in connection to a PostgreSQL, and the questions that go over it, one after the other.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_postgres::error::Severity;
use tokio_postgres::{Client, Error};

use super::login::{Carrier, Login, log_in};
use super::place::{MAX_HOSTS, Place, Way};
use super::rows::Rows;
use super::server::{self, Server};
use super::wire::Allowance;
use crate::core::outcome::Outcome;
use crate::probe::carrier::alongside;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::kept::Kept;
use crate::probe::tls;
use crate::probe::trace::Trace;

/// A connection. Its bytes move only while a question is under way.
pub(super) struct Link {
    client: Client,
    /// None when it has ended.
    carrier: Option<Carrier>,
    allowance: Allowance,
    at: String,
    /// How long the first question of this look took: next to nothing but the way there and back.
    pub(super) way: Duration,
}

/// The logins that have not ended yet, in the order of the ways.
pub(super) type Logins = [Kept<Login>; MAX_HOSTS];

/// How long a question may take, and wait for a lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) statement: Duration,
    pub(super) lock: Duration,
}

impl Limits {
    /// For the first question, which needs no lock on a table.
    pub(super) fn of(time: Duration) -> Self {
        Self {
            statement: time,
            lock: time / 2,
        }
    }
}

/// What a server says to a question.
#[derive(Debug)]
pub(super) enum Answer {
    Rows(Rows),
    Refused(Refusal),
}

/// An error of the server after which it goes on.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The SQLSTATE.
    pub(super) code: String,
    pub(super) message: String,
}

/// Why a question had no answer.
#[derive(Debug)]
pub(super) enum Fault {
    Postgres(Error, String),
    /// The first question was refused.
    Refused(Refusal, String),
    /// An answer came that is not one to our question.
    Odd(String),
}

impl Link {
    /// Connects and logs in, over the first way that leads somewhere. What time is left is shared among the
    /// ways that are, so that a host that says nothing does not take it from those after it.
    pub(super) async fn open(
        place: &Place,
        logins: &Logins,
        env: &Env,
        trace: &mut Trace,
    ) -> Looked<Self> {
        let mut told = None;
        let ways = place.ways.iter().zip(logins);
        for (way, ways) in ways.zip((1..=place.ways.len()).rev()) {
            let made = if ways == 1 {
                // The end of the look is the end of its time, too.
                Self::over(way, place, env, trace).await
            } else {
                let share = trace.left() / u32::try_from(ways).unwrap_or(u32::MAX);
                let made = timeout(share, Self::over(way, place, env, trace)).await;
                made.unwrap_or_else(|_| Err(trace.silence(Some(&way.0.text()))))
            };
            match made {
                Ok(link) => return Ok(link),
                Err(outcome) => told = told.or(Some(outcome)),
            }
        }
        Err(told.expect("a place without a way is refused"))
    }

    async fn over(
        (way, kept): (&Way, &Kept<Login>),
        place: &Place,
        env: &Env,
        trace: &mut Trace,
    ) -> Looked<Self> {
        let at = way.text();
        let made = log_in(way, place, kept, env, trace).await?;
        let (client, carrier, allowance) =
            made.map_err(|error| Fault::Postgres(error, at.clone()).outcome(place))?;
        Ok(Self {
            client,
            carrier: Some(carrier),
            allowance,
            at,
            way: Duration::ZERO,
        })
    }

    /// Asks one question, in one transaction that changes nothing, and in one round trip. The server gives up
    /// after a while, too, so that a look that we gave up does not go on there.
    ///
    /// After a fault, or when dropped half-way, the link is of no use any more.
    pub(super) async fn ask(&mut self, question: &str, limits: Limits) -> Result<Answer, Fault> {
        // One message, thus one transaction: nothing of it stays in the session, so that it is welcome at
        // a pooler as well, and an error ends it.
        let message = format!(
            "SET TRANSACTION READ ONLY; \
             SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL jit = off; \
             {question}",
            millis(limits.statement),
            millis(limits.lock),
            millis(limits.statement),
        );
        self.say(&message).await
    }

    /// Says something as it is, and takes the answer.
    pub(super) async fn say(&mut self, message: &str) -> Result<Answer, Fault> {
        self.allowance.renew();
        let asking = self.client.simple_query(message);
        let (asked, ended) = alongside(&mut self.carrier, asking).await;
        match (asked, ended) {
            (Ok(answer), None) => Ok(Answer::Rows(Rows::of(answer))),
            (Err(error), None) => match refusal(&error) {
                Some(refusal) => Ok(Answer::Refused(refusal)),
                None => Err(Fault::Postgres(error, self.at.clone())),
            },
            // How the connection ended says more than that it is closed.
            (_, Some(Err(error))) | (Err(error), Some(Ok(()))) => {
                Err(Fault::Postgres(error, self.at.clone()))
            }
            (Ok(_), Some(Ok(()))) => Err(self.odd()),
        }
    }

    /// Asks what the server is.
    pub(super) async fn greet(&mut self, limits: Limits) -> Result<Server, Fault> {
        let begun = Instant::now();
        let answer = self.ask(server::QUESTION, limits).await?;
        self.way = begun.elapsed();
        match answer {
            Answer::Rows(rows) => Server::read(&rows).ok_or_else(|| self.odd()),
            Answer::Refused(refusal) => Err(self.refused(refusal)),
        }
    }

    /// What it means that an answer is none.
    pub(super) fn odd(&self) -> Fault {
        Fault::Odd(self.at.clone())
    }

    /// What it means that a question which cannot be left out was refused.
    pub(super) fn refused(&self, refusal: Refusal) -> Fault {
        Fault::Refused(refusal, self.at.clone())
    }
}

/// As the server takes it; 0 would be no limit.
fn millis(limit: Duration) -> u128 {
    limit.as_millis().max(1)
}

/// What the server says against a question; none where the connection is over, too.
fn refusal(error: &Error) -> Option<Refusal> {
    let said = error.as_db_error()?;
    // A pooler says it in one form only, which a server may translate.
    let is_over = match said.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        None => said.severity() == "FATAL",
    };
    (!is_over).then(|| Refusal {
        code: said.code().code().to_owned(),
        message: said.message().to_owned(),
    })
}

impl Fault {
    /// What it says of the server.
    pub(super) fn outcome(&self, place: &Place) -> Outcome {
        match self {
            Self::Odd(at) if place.is_pooler => {
                Outcome::fail(&format!("{at} does not answer as a PgBouncer does"))
            }
            Self::Odd(at) => Outcome::fail(&format!("{at} does not answer as a PostgreSQL does")),
            Self::Refused(refusal, at) => refuse(refusal, at, place),
            Self::Postgres(error, at) => explain(error, at, place),
        }
    }

    /// The same in few words, for one question of many.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Odd(_) => "it answered oddly".to_owned(),
            Self::Refused(refusal, _) => refusal.message.clone(),
            Self::Postgres(error, _) => match error.source() {
                Some(source) => source.to_string(),
                None => error.to_string(),
            },
        }
    }
}

fn refuse(refusal: &Refusal, at: &str, place: &Place) -> Outcome {
    let Refusal { code, message } = refusal;
    Outcome::fail(&place.masked(&format!("{at}: {message} (SQLSTATE {code})")))
}

fn explain(error: &Error, at: &str, place: &Place) -> Outcome {
    if let Some(said) = error.as_db_error() {
        let refusal = Refusal {
            code: said.code().code().to_owned(),
            message: said.message().to_owned(),
        };
        return refuse(&refusal, at, place);
    }
    let source = error.source();
    if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        let is_odd = matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        );
        if is_odd && error.get_ref().is_none_or(is_plain) {
            let message = format!("{at} does not speak as a PostgreSQL does: {error}");
            return Outcome::fail(&place.masked(&message));
        }
        return tls::outcome(error, at);
    }
    if error.is_closed() {
        return Outcome::fail(&format!("{at} closed the connection"));
    }
    let message = match source {
        Some(source) => format!("{at}: {error}: {source}"),
        None => format!("{at} does not speak as a PostgreSQL does ({error})"),
    };
    Outcome::fail(&place.masked(&message))
}

/// Whether an error is not one of TLS, which has words of its own.
fn is_plain(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<rustls::Error>().is_none()
}
