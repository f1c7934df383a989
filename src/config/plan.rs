//! A valid configuration.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::check::{self, Base, Draft};
use super::daemon::{self, Daemon};
use super::document::Files;
use super::files::Found;
use super::heartbeat::{self, Uuids};
use super::isolation::Isolation;
use super::mail_pings::{self, MailPings};
use super::pings::{self, Pings};
use super::rules::Rules;
use super::token::{self, ApiToken};
use super::{Email, Listen, Retention, depend, own};
use crate::core::check::{Check, Flapping, Roster};
use crate::probe::Probe;
use crate::remedy::Remedy;
use crate::settings::{Report, Secret};

/// Everything that a configuration says, checked. It never changes; a new configuration is a new plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The name of this daemon.
    pub node: Arc<str>,
    /// Where the journal and the mails lie.
    pub data_dir: PathBuf,
    /// The zone of calendars and of times on pages.
    pub zone: TimeZone,
    pub listen: Listen,
    /// The folder with what the hello pages show; it need not be there. None for the built-in pages.
    pub hello: Option<PathBuf>,
    /// The archive.
    pub postgres: Option<Secret>,
    pub email: Email,
    /// With which heartbeats are addressed by their names, and how many pings are taken.
    pub pings: Pings,
    /// Where they are taken by e-mail; none where they are not.
    pub mail_pings: Option<MailPings>,
    /// What opens the management API.
    pub tokens: Vec<ApiToken>,
    /// When heartbeats flap that are made while running: what `[defaults]` says.
    pub flapping: Option<Flapping>,
    /// Where people reach the status page, without a slash at its end.
    pub status_url: Option<String>,
    /// The checks in the order of the files, then the heartbeats, then the built-in checks.
    pub checks: Vec<Planned>,
    pub retention: Retention,
    /// Files and folders that a change of makes another plan: [`super::Source::paths`].
    pub files: Vec<PathBuf>,
    /// The files beside them that a change of makes another plan: those that its secrets are in.
    pub followed: Vec<PathBuf>,
}

/// A check with how to look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub check: Arc<Check>,
    /// None for a heartbeat and for `belfry.config`, which are told.
    pub probe: Option<Arc<Probe>>,
    /// How what its rule of a remedy says is done.
    pub remedy: Option<Arc<Remedy>>,
}

impl Plan {
    /// Takes over where the daemon really listens: the ports that were free, where the plan says 0, or the
    /// sockets that systemd handed over. The checks of the pages look there from now on.
    pub fn bind(&mut self, bound: Listen) {
        own::redirect(&mut self.checks, &bound);
        self.listen = bound;
    }

    /// What the engine has to know of it. Two plans of the same text have equal rosters.
    pub fn roster(&self) -> Roster {
        Roster {
            node: Arc::clone(&self.node),
            zone: self.zone.clone(),
            checks: self
                .checks
                .iter()
                .map(|planned| Arc::clone(&planned.check))
                .collect(),
            recipients: Arc::clone(&self.email.to),
            flapping: self.flapping,
        }
    }
}

/// The plan of all files. It means nothing if there is a problem in `report`.
pub(super) fn read(mut files: Files<'_>, found: &Found, report: &Report<'_>) -> Plan {
    let daemon = Daemon::read(files.one("daemon"), report);
    let listen = Listen::read(files.one("listen"));
    let postgres = daemon::postgres(files.one("postgres"));
    let pings = pings::read(files.one("heartbeats"));
    let mail_pings = mail_pings::read(files.one("mail_pings"));
    let tokens = token::read(files.named("token"));
    let email = Email::read(files.one("email"), &daemon.node, &daemon.data_dir);
    let status_url = daemon::page(files.one("page"));
    let retention = Retention::read(files.one("retention"));
    let base = Base {
        rules: Rules::defaults(files.one("defaults")),
        zone: daemon.zone.clone(),
        recipients: Arc::clone(&email.to),
        isolation: Isolation::read(files.one("isolation")),
    };

    let checks = files.named("check");
    let (built_in, checks): (Vec<_>, Vec<_>) = checks
        .into_iter()
        .partition(|(name, _)| name.starts_with(own::PREFIX));
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for (name, section) in checks {
        drafts.push(check::read(&name, section, &base));
    }
    let mut uuids = Uuids::new();
    for (name, section) in files.named("heartbeat") {
        drafts.push(heartbeat::read(&name, section, &base, &mut uuids));
    }
    let first = found.texts.first().map_or("", |text| text.name.as_ref());
    // Before all others, so that a name that is built in counts as taken.
    let mut all = own::read(built_in, &listen, postgres.is_some(), first, &base);
    let own = all.len();
    all.append(&mut drafts);
    depend::names(&all, report);
    depend::parents(&all, files.is_whole, report);
    depend::members(&all, files.is_whole, report);
    all.rotate_left(own);
    files.finish();

    let planned = |draft: Draft<'_>| Planned {
        check: Arc::new(draft.check),
        probe: draft.probe.map(Arc::new),
        remedy: draft.remedy,
    };
    Plan {
        node: daemon.node,
        data_dir: daemon.data_dir,
        zone: daemon.zone,
        listen,
        hello: found.hello.clone(),
        postgres,
        email,
        pings,
        mail_pings,
        tokens,
        flapping: base.rules.flapping,
        status_url,
        checks: all.into_iter().map(planned).collect(),
        retention,
        files: found.follow.clone(),
        followed: report.secrets(),
    }
}
