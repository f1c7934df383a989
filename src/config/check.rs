//! `[check.NAME]`, and what every entry of the roster has in common.

use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::isolation::Isolation;
use super::rules::Rules;
use super::{accept, pace, remedy, schedule};
use crate::core::check::{Check, Recipient};
use crate::core::schedule::Schedule;
use crate::probe::{Probe, composite};
use crate::remedy::Remedy;
use crate::settings::{Section, Source};

/// The heading of checks that say none.
const GROUP: &str = "Checks";
/// Most parents of one check.
const MAX_PARENTS: usize = 32;

/// What a check inherits from the rest of the configuration.
pub(super) struct Base {
    pub rules: Rules,
    pub zone: TimeZone,
    pub recipients: Arc<[Recipient]>,
    pub isolation: Isolation,
}

/// A check that was read, before its relations to others are known to be right.
pub(super) struct Draft<'a> {
    pub check: Check,
    pub probe: Option<Probe>,
    pub remedy: Option<Arc<Remedy>>,
    pub origin: Option<Origin<'a>>,
}

/// Where a check is written.
pub(super) struct Origin<'a> {
    pub source: &'a Source,
    pub span: Range<usize>,
    pub depends_on: Vec<(String, Range<usize>)>,
}

/// What every entry of the roster may say of itself.
pub(super) struct About {
    pub group: Arc<str>,
    pub runbook: Option<Arc<str>>,
    pub recipients: Arc<[Recipient]>,
    depends_on: Vec<(String, Range<usize>)>,
}

impl About {
    pub(super) fn read(section: &mut Section<'_>, group: &str, base: &Base) -> Self {
        let depends_on = section.strings("depends_on").unwrap_or_default();
        if depends_on.len() > MAX_PARENTS {
            let message = format!("\"depends_on\" names more than {MAX_PARENTS} checks");
            section.refuse("depends_on", message, "name those that it talks to itself");
        }
        Self {
            group: accept::heading(section, "group").unwrap_or_else(|| group.into()),
            runbook: accept::web_address(section, "runbook").map(Arc::from),
            recipients: accept::recipients(section, "to")
                .unwrap_or_else(|| Arc::clone(&base.recipients)),
            depends_on,
        }
    }

    /// Of one that says nothing.
    pub(super) fn usual(group: &str, base: &Base) -> Self {
        Self {
            group: group.into(),
            runbook: None,
            recipients: Arc::clone(&base.recipients),
            depends_on: Vec::new(),
        }
    }

    /// Where it says so.
    pub(super) fn origin<'a>(&self, section: &Section<'a>) -> Origin<'a> {
        Origin {
            source: section.source,
            span: section.span(),
            depends_on: self.depends_on.clone(),
        }
    }

    pub(super) fn parents(&self) -> Vec<Arc<str>> {
        self.depends_on
            .iter()
            .map(|(name, _)| name.as_str().into())
            .collect()
    }
}

/// A check with its probe.
pub(super) fn read<'a>(name: &str, mut section: Section<'a>, base: &Base) -> Draft<'a> {
    let rules = if section.has(composite::Settings::KEY) {
        base.rules.of_confirmed().with(&mut section)
    } else {
        base.rules.with(&mut section)
    };
    let schedule = schedule::read(&mut section, &base.zone).unwrap_or(Schedule::Every(rules.every));
    let about = About::read(&mut section, GROUP, base);
    let probe = Probe::read(&mut section);
    let behind = base.isolation.behind(&mut section, probe.as_ref());
    let not_configured = probe.as_ref().and_then(Probe::not_configured);
    let mut check = Check {
        kind: probe.as_ref().map_or("", Probe::kind).into(),
        target: probe
            .as_ref()
            .map_or_else(String::new, Probe::target)
            .into(),
        behind,
        not_configured: not_configured.map(Arc::from),
        ..judged(name, schedule, &rules, &about)
    };
    if let Some(probe) = &probe {
        pace::within(&mut section, probe.kind(), check.timeout);
    }
    let remedy = remedy::add(&mut section, &mut check);
    let origin = Some(about.origin(&section));
    section.finish();
    Draft {
        check,
        probe,
        remedy,
        origin,
    }
}

/// A check by its rules, without a kind and a target yet.
pub(super) fn judged(name: &str, schedule: Schedule, rules: &Rules, about: &About) -> Check {
    Check {
        name: name.into(),
        group: Arc::clone(&about.group),
        kind: "".into(),
        target: "".into(),
        retry_every: schedule::retry(&schedule, rules.retry_every),
        schedule,
        timeout: rules.timeout,
        fail_after: rules.fail_after,
        recover_after: rules.recover_after,
        flapping: rules.flapping,
        depends_on: about.parents(),
        behind: None,
        alert_degraded: rules.alert_degraded,
        runbook: about.runbook.clone(),
        recipients: Arc::clone(&about.recipients),
        heartbeat: None,
        remedy: None,
        not_configured: None,
    }
}
