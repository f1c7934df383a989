//! Looks at a PostgreSQL: whether it answers a query, how many of its connections are taken, and whether
//! it is the primary.
//!
//! One connection is kept between looks. It belongs to the look that takes it, and is put back only when
//! all went well; what failed or hung is dropped, and the next look begins with a new one.

use tokio::time::timeout;

use super::env::Env;
use super::error::Looked;
use super::kept::Kept;
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::settings::{Secret, Section};

mod link;
mod place;
mod verdict;
mod wire;

use link::Link;
use place::Place;

/// Connections taken, in percent of `max_connections`.
const WARN: u8 = 90;
const FAIL: u8 = 95;

/// `postgres = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    url: Secret,
    /// None while no URL is set.
    place: Option<Place>,
    warn: u8,
    fail: u8,
    /// The connection between looks.
    idle: Kept<Link>,
}

impl Settings {
    /// Reads the table of a `postgres` key. Keys:
    ///
    /// - `url`: `postgres://…` as libpq takes it, a secret. Empty: not configured. `sslmode` is `disable`,
    ///   `prefer` (the default: encrypted where the server can, certificate not verified), or `require`,
    ///   `verify-ca`, `verify-full` (all three: certificate and name verified)
    /// - `connections_warn`, `connections_fail`: levels in percent of `max_connections`, default 90 and 95
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        if !section.has("url") {
            let hint = format!("add url = \"${{DATABASE_URL}}\" to [{}]", section.path);
            section.refuse("url", "\"url\" is missing", hint);
        }
        let url = section.secret("url");
        let place = url.as_ref().map(|url| Place::parse(url.expose()));
        if let Some(Err(hint)) = place {
            // The text itself is a secret, so that it is not repeated.
            section.refuse("url", "\"url\" is not an address of a PostgreSQL", hint);
        }
        let percent = |number: i64| u8::try_from(number).ok();
        let warn = section
            .integer("connections_warn", 1..=100)
            .and_then(percent);
        let fail = section
            .integer("connections_fail", 1..=100)
            .and_then(percent);
        section.finish();
        Some(Self {
            url: url?,
            place: place?.ok()?,
            warn: warn.unwrap_or(WARN),
            fail: fail.unwrap_or(FAIL),
            idle: Kept::default(),
        })
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
            return Err(Outcome::unknown("not configured"));
        };
        if let Some(mut kept) = self.idle.take() {
            trace.enter(Stage::Query);
            // The server may have been restarted, or a firewall may have forgotten the connection. A kept
            // one gets half of the time, and only a new one that fails too is a failure.
            let half = trace.left() / 2;
            if let Ok(Ok(health)) = timeout(half, kept.ask(half)).await {
                self.idle.put(kept);
                return Ok(verdict::judge(&health, self.warn, self.fail, trace.took()));
            }
        }
        let mut link = Link::open(place, env, trace).await?;
        trace.enter(Stage::Query);
        let asked = link.ask(trace.left()).await;
        let health = asked.map_err(|fault| fault.outcome(place))?;
        self.idle.put(link);
        Ok(verdict::judge(&health, self.warn, self.fail, trace.took()))
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
        let text = "postgres = { url = \"postgres://u@h/d\", connections_warn = 50 }";
        let (one, two) = (read(text).0, read(text).0);
        assert_eq!(one, two);
        let Some(Probe::Postgres(settings)) = one else {
            panic!("a postgres probe was read");
        };
        assert_eq!((settings.warn, settings.fail), (50, 95));
    }
}
