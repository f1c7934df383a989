//! Looks at a PostgreSQL: whether it answers a query, and how it is: connections, locks, vacuum, replication and
//! whatever else is in the table of aspects.
//!
//! One connection is kept between looks. It belongs to the look that takes it, and is put back only when
//! all went well; what failed or hung is dropped, and the next look begins with a new one. Nothing is asked that
//! could wait behind a lock for longer than a moment, or go on after the look.

use tokio::time::timeout;

use super::env::Env;
use super::error::Looked;
use super::kept::Kept;
use super::level::Judgement;
use super::peer::Peer;
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::settings::{Secret, Section};

pub mod bouncer;

mod aspect;
mod chosen;
mod expected;
mod found;
mod link;
mod login;
mod past;
mod place;
mod query;
mod rows;
mod server;
mod statement;
mod suite;
mod task;
mod wire;

use expected::Expected;
use link::{Limits, Link, Logins};
use place::{Place, Reading};
use server::Server;
use suite::Memory;
use task::Task;

/// What a question may take of its time, in percent.
const SHARE: f64 = 1.0;

/// `postgres = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    url: Secret,
    /// None while no URL is set.
    place: Option<Place>,
    expected: Expected,
    tasks: Vec<Task>,
    share: f64,
    /// The connection between looks.
    idle: Kept<Link>,
    logins: Logins,
    memory: Kept<Memory>,
}

impl Settings {
    /// Reads the table of a `postgres` key. Keys:
    ///
    /// - `url`: `postgres://…` as libpq takes it, a secret. Empty: not configured. `sslmode` is `disable`,
    ///   `prefer` (the default, as `allow`: encrypted where the server can, certificate not verified), or
    ///   `verify-full` (as `require`, `verify-ca`: certificate and name verified). `sslrootcert`, `sslcert`, `sslkey`,
    ///   `passfile`, `service` and `servicefile` name files as they do for libpq
    /// - one for each of [`aspect::ASPECTS`]: `false`, `true`, or a table with `warn`, `fail`, `every`, `ignore`
    /// - `role`, `version`, `settings`: what it is expected to be
    /// - `query`: questions of one's own
    /// - `share`: how much of its time a question may take, in percent, default 1; dearer ones are asked less often
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        if !section.has("url") {
            let hint = format!("add url = \"${{DATABASE_URL}}\" to [{}]", section.path);
            section.refuse("url", "\"url\" is missing", hint);
        }
        let url = section.secret("url");
        let reading = Reading(section.report);
        let place = url.as_ref().map(|url| Place::parse(url.expose(), reading));
        if let Some(Err(hint)) = &place {
            // The text itself is a secret, so that it is not repeated.
            section.refuse("url", "\"url\" is not an address of a PostgreSQL", hint);
        }
        let expected = Expected::read(&mut section);
        let tasks = Task::read(&mut section);
        let share = section.number("share", 0.01..=100.0).unwrap_or(SHARE);
        section.finish();
        Some(Self {
            url: url?,
            place: place?.ok()?,
            expected,
            tasks,
            share,
            idle: Kept::default(),
            logins: Logins::default(),
            memory: Kept::default(),
        })
    }

    /// Whom it talks to: the first of several hosts, which is here only if all are. None where none is named.
    pub(super) fn peer(&self) -> Option<Peer> {
        self.place.as_ref()?.peer()
    }

    /// Who is asked for which database where, for people; without the password.
    pub fn target(&self) -> String {
        self.place
            .as_ref()
            .map_or_else(|| "PostgreSQL".to_owned(), Place::shown)
    }

    /// What to write, while no URL is set.
    pub fn not_configured(&self) -> Option<String> {
        let hint = "set DATABASE_URL, or write [postgres] url = \"postgres://…\"";
        self.place.is_none().then(|| hint.to_owned())
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let Some(place) = &self.place else {
            let hint = self.not_configured().unwrap_or_default();
            return Err(Outcome::unknown(&format!("not configured: {hint}")));
        };
        let (mut link, server) = self.greet(place, env, trace).await?;
        let took = trace.took();
        // What was found before outlives a look that is cut off.
        let mut memory = self.memory.hold();
        let tasks = (self.tasks.as_slice(), self.share);
        let asked = memory.ask(tasks, &mut link, &server, trace).await;
        let (spent, is_good) = asked.map_err(|fault| fault.outcome(place))?;
        if is_good {
            self.idle.put(link);
        }
        let mut judgement = Judgement::default();
        self.expected.judge(&server).tell(&mut judgement, trace);
        memory.tell(tasks, spent, &mut judgement, trace);
        let headline = memory.headline().map(|text| format!("{text}, "));
        let (version, headline) = (&server.version, headline.unwrap_or_default());
        let what = format!("PostgreSQL {version}, {headline}{}", server.word());
        Ok(judgement.timed(took, &what))
    }

    /// A connection, and what the server at its other end is.
    async fn greet(&self, place: &Place, env: &Env, trace: &mut Trace) -> Looked<(Link, Server)> {
        if let Some(mut kept) = self.idle.take() {
            trace.enter(Stage::Query);
            // The server may have been restarted, or a firewall may have forgotten the connection. A kept
            // one gets half of the time, and only a new one that fails too is a failure.
            let half = trace.left() / 2;
            if let Ok(Ok(server)) = timeout(half, kept.greet(Limits::of(half))).await {
                return Ok((kept, server));
            }
        }
        let mut link = Link::open(place, &self.logins, env, trace).await?;
        trace.enter(Stage::Query);
        let greeted = link.greet(Limits::of(trace.left())).await;
        let server = greeted.map_err(|fault| fault.outcome(place))?;
        Ok((link, server))
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::Probe;
    use crate::probe::tests::read;

    #[test]
    fn an_empty_url_is_not_configured_and_says_what_to_write() {
        for url in ["", "${EMPTY}", "${MISSING:-}"] {
            let (probe, problems) = read(&format!("postgres = {{ url = \"{url}\" }}"));
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(
                probe.unwrap().not_configured().as_deref(),
                Some("set DATABASE_URL, or write [postgres] url = \"postgres://…\"")
            );
        }
    }

    #[test]
    fn a_password_is_in_no_text() {
        let text = "postgres = { url = \"postgres://bob:hunter2@db.example.org/shop\" }";
        let (probe, problems) = read(text);
        assert!(problems.is_empty(), "{problems:?}");
        let probe = probe.unwrap();
        assert_eq!(probe.target(), "postgres://bob@db.example.org:5432/shop");
        assert!(!format!("{probe:?}").contains("hunter2"), "{probe:?}");
        assert_eq!(probe.not_configured(), None);

        for url in [
            "postgres://bob:hunter2@h/d?hunter2=1",
            "hunter2",
            "http://bob:hunter2@h/",
            "postgres://bob:hunter2@h:70000/",
        ] {
            let (probe, problems) = read(&format!("postgres = {{ url = \"{url}\" }}"));
            assert_eq!(probe, None, "{url}");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(!problems[0].contains("ter2"), "{problems:?}");
        }
    }

    #[test]
    fn settings_that_are_written_the_same_are_equal_whoever_holds_a_connection() {
        let text = "postgres = { url = \"postgres://u@h/d\", connections = { warn = 50 } }";
        let (one, two) = (read(text).0, read(text).0);
        assert_eq!(one, two);
        let Some(Probe::Postgres(settings)) = one else {
            panic!("a postgres probe was read");
        };
        assert!(!settings.tasks.is_empty());
    }
}
