//! Looks at a PgBouncer through its admin console: how many clients it has, who waits, what is switched off.
//!
//! PgBouncer manual, "Admin console": the database `pgbouncer`, for those in `admin_users` or `stats_users`.

use std::time::Duration;

use tokio::time::timeout;

use super::found::Found;
use super::link::{Answer, Fault, Link, Logins};
use super::place::{Place, Reading};
use super::rows::{Row, Rows};
use crate::core::metric::Unit;
use crate::core::outcome::Outcome;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::kept::Kept;
use crate::probe::level::{Judgement, Levels, Scale};
use crate::probe::peer::Peer;
use crate::probe::trace::{Stage, Trace};
use crate::settings::{Secret, Section};

/// Clients, in percent of `max_client_conn`: the levels of `check_postgres`.
const CLIENTS: Scale = Scale {
    warn: "clients_warn",
    fail: "clients_fail",
    range: 0.0..=100.0,
    usual: Levels::of(90.0, 95.0),
};
/// Clients that wait for a server connection; there are always some where there is much to do.
const WAITING: Scale = Scale {
    warn: "waiting_warn",
    fail: "waiting_fail",
    range: 0.0..=1e6,
    usual: Levels {
        warn: None,
        fail: None,
    },
};
/// How long, in seconds, who has waited longest does.
const WAIT: Levels = Levels::of(5.0, 30.0);
const LONGEST: Duration = Duration::from_hours(24);

/// `pgbouncer = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    url: Secret,
    place: Place,
    clients: Levels,
    waiting: Levels,
    wait: Levels,
    idle: Kept<Link>,
    logins: Logins,
}

/// What the console says.
struct Seen {
    pools: Rows,
    databases: Rows,
    clients: f64,
    most: f64,
}

impl Settings {
    /// Reads the table of a `pgbouncer` key. Keys:
    ///
    /// - `url`: as for postgres; the database is `pgbouncer`
    /// - `clients_warn`, `clients_fail`: clients in percent of `max_client_conn`, default 90 and 95
    /// - `waiting_warn`, `waiting_fail`: clients that wait for a server connection
    /// - `wait_warn`, `wait_fail`: how long the first of them has waited, default 5 s and 30 s
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        if !section.has("url") {
            let hint = format!(
                "add url = \"postgres://…:6432/pgbouncer\" to [{}]",
                section.path
            );
            section.refuse("url", "\"url\" is missing", hint);
        }
        let url = section.secret("url");
        let reading = Reading(section.report);
        let place = url.as_ref().map(|url| Place::parse(url.expose(), reading));
        match &place {
            Some(Err(hint)) => {
                let message = "\"url\" is not an address of a PgBouncer";
                section.refuse("url", message, hint.as_str());
            }
            Some(Ok(None)) => {
                let hint = "write postgres://USER:PASSWORD@HOST:6432/pgbouncer";
                section.refuse("url", "\"url\" is empty", hint);
            }
            Some(Ok(Some(_))) | None => {}
        }
        let clients = Levels::read(&mut section, &CLIENTS);
        let waiting = Levels::read(&mut section, &WAITING);
        let wait = Levels::read_times(&mut section, ("wait_warn", "wait_fail"), LONGEST, WAIT);
        section.finish();
        Some(Self {
            url: url?,
            place: place?.ok()??.of_pooler(),
            clients,
            waiting,
            wait,
            idle: Kept::default(),
            logins: Logins::default(),
        })
    }

    /// Whom it talks to.
    pub(in crate::probe) fn peer(&self) -> Option<Peer> {
        self.place.peer()
    }

    /// Who is asked where, for people; without the password.
    pub fn target(&self) -> String {
        self.place.shown()
    }

    pub(in crate::probe) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let (link, seen) = self.ask(env, trace).await?;
        let took = trace.took();
        self.idle.put(link);
        let mut judgement = Judgement::default();
        let found = self.judge(&seen);
        found.tell(&mut judgement, trace);
        let (clients, most) = (Unit::Count.show(seen.clients), Unit::Count.show(seen.most));
        Ok(judgement.timed(took, &format!("PgBouncer, {clients} of {most} clients")))
    }

    /// Over the connection that is there, where it still is.
    async fn ask(&self, env: &Env, trace: &mut Trace) -> Looked<(Link, Seen)> {
        if let Some(mut kept) = self.idle.take() {
            trace.enter(Stage::Query);
            let half = trace.left() / 2;
            if let Ok(Ok(seen)) = timeout(half, Seen::ask(&mut kept)).await {
                return Ok((kept, seen));
            }
        }
        let mut link = Link::open(&self.place, &self.logins, env, trace).await?;
        trace.enter(Stage::Query);
        let seen = Seen::ask(&mut link).await;
        let seen = seen.map_err(|fault| fault.outcome(&self.place))?;
        Ok((link, seen))
    }

    fn judge(&self, seen: &Seen) -> Found {
        let mut found = Found::default();
        let percent = 100.0 * seen.clients / seen.most.max(1.0);
        let pools = || seen.pools.iter();
        let waiting: f64 = pools().filter_map(|pool| pool.number("cl_waiting")).sum();
        let longest = pools()
            .map(|pool| (wait(pool), pool))
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        let (wait, pool) = longest.map_or((0.0, String::new()), |(wait, pool)| (wait, name(pool)));
        for (what, value, unit, levels, about) in [
            ("clients", percent, Unit::Percent, self.clients, ""),
            ("waiting", waiting, Unit::Count, self.waiting, ""),
            ("wait", wait, Unit::Seconds, self.wait, pool.as_str()),
        ] {
            found.metric(what, value, unit);
            found.level(what, (value, unit), levels, about);
        }
        for database in seen.databases.iter() {
            let name = database.text("name").unwrap_or_default();
            for state in ["paused", "disabled"] {
                if database.text(state) == Some("1") {
                    let finding = Finding::warned(name, "in use", state, true);
                    found.holds(finding, &format!("database {name} is {state}"));
                }
            }
        }
        found
    }
}

impl Seen {
    async fn ask(link: &mut Link) -> Result<Self, Fault> {
        let pools = rows(link, "SHOW POOLS").await?;
        let databases = rows(link, "SHOW DATABASES").await?;
        let lists = rows(link, "SHOW LISTS").await?;
        let config = rows(link, "SHOW CONFIG").await?;
        let value = |rows: &Rows, (key, name), column| {
            let mut all = rows.iter();
            all.find(|row| row.text(key) == Some(name))?.number(column)
        };
        let clients = value(&lists, ("list", "used_clients"), "items");
        let most = value(&config, ("key", "max_client_conn"), "value");
        let odd = || link.odd();
        Ok(Self {
            pools,
            databases,
            clients: clients.ok_or_else(odd)?,
            most: most.ok_or_else(odd)?,
        })
    }
}

async fn rows(link: &mut Link, question: &str) -> Result<Rows, Fault> {
    match link.say(question).await? {
        Answer::Rows(rows) => Ok(rows),
        Answer::Refused(refusal) => Err(link.refused(refusal)),
    }
}

/// How long the first client of a pool has waited, in seconds.
fn wait(pool: Row<'_>) -> f64 {
    let part = |column: &str| pool.number(column).unwrap_or_default();
    part("maxwait") + part("maxwait_us") / 1e6
}

fn name(pool: Row<'_>) -> String {
    let part = |column: &str| pool.text(column).unwrap_or_default().to_owned();
    format!("{} of {}", part("database"), part("user"))
}
