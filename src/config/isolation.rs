//! `[isolation]`: who is asked whether we reach anybody, and which checks are behind that.

use std::sync::Arc;

use super::accept;
use crate::probe::Probe;
use crate::probe::uplink::{Canary, Settings, System};
use crate::settings::Section;

/// The check of the usual scope; those of others have their name behind it.
pub(super) const UPLINK: &str = "belfry.uplink";
/// The scope of what is on this machine, and of what is behind the uplink.
const LOCAL: &str = "local";
const USUAL: &str = "uplink";
/// Most canaries of a scope: one answer is enough, and all are asked at once.
const MAX_CANARIES: usize = 8;
/// Most scopes beside the usual one: each is a check that asks every few seconds.
const MAX_SCOPES: usize = 16;

/// What `[isolation]` says.
pub(super) struct Isolation {
    /// The usual one first.
    scopes: Vec<Scope>,
}

/// What is reached in one way.
struct Scope {
    name: String,
    /// None where nobody is asked, so that nothing is taken for isolation.
    canaries: Vec<Canary>,
}

impl Scope {
    /// The name of its check.
    fn check(&self) -> String {
        if self.name == USUAL {
            UPLINK.to_owned()
        } else {
            format!("{UPLINK}.{}", self.name)
        }
    }
}

impl Isolation {
    pub(super) fn read(section: Option<Section<'_>>) -> Self {
        let mut scopes = vec![Scope {
            name: USUAL.to_owned(),
            canaries: Canary::USUAL.to_vec(),
        }];
        let Some(mut section) = section else {
            return Self { scopes };
        };
        if let (Some(canaries), Some(usual)) = (canaries(&mut section), scopes.first_mut()) {
            usual.canaries = canaries;
        }
        let named = section.named("scope");
        if named.len() > MAX_SCOPES {
            let message = format!("there are more than {MAX_SCOPES} scopes");
            section.refuse("scope", message, "keep those that are reached differently");
        }
        for (name, scope) in named {
            scopes.extend(read_scope(name, scope));
        }
        section.finish();
        Self { scopes }
    }

    /// The name of the check that a check with this section and probe is behind; none for what is on this machine.
    pub(super) fn behind(
        &self,
        section: &mut Section<'_>,
        probe: Option<&Probe>,
    ) -> Option<Arc<str>> {
        let said = section.string("scope");
        let peer = probe.and_then(Probe::peer);
        let is_here = peer.is_none_or(|peer| peer.is_here);
        let usual = if is_here { LOCAL } else { USUAL };
        let name = said.as_deref().unwrap_or(usual);
        if name == LOCAL {
            return None;
        }
        let Some(scope) = self.scopes.iter().find(|scope| scope.name == name) else {
            let known = || self.scopes.iter().map(|scope| scope.name.as_str());
            let known = || [LOCAL].into_iter().chain(known());
            let hint = accept::nearest(name, known()).map_or_else(
                || {
                    let known = known().collect::<Vec<_>>().join(", ");
                    format!("there are: {known}; or write [isolation.scope.{name}]")
                },
                |near| format!("did you mean \"{near}\"?"),
            );
            section.refuse("scope", format!("there is no scope \"{name}\""), hint);
            return None;
        };
        (!scope.canaries.is_empty()).then(|| scope.check().into())
    }

    /// The checks of the uplinks: all names, and how to look at those that are on.
    pub(super) fn checks(&self) -> impl Iterator<Item = (String, Option<Probe>)> {
        self.scopes.iter().map(|scope| {
            let canaries = scope.canaries.clone();
            let probe = (!canaries.is_empty())
                .then(|| Probe::Uplink(Settings::new(canaries, System::default())));
            (scope.check(), probe)
        })
    }
}

fn read_scope(name: String, mut section: Section<'_>) -> Option<Scope> {
    let wrong = match accept::name(&name) {
        Err(hint) => Some(hint),
        Ok(()) if name == LOCAL || name == USUAL => {
            Some("this one is built in; the canaries of [isolation] itself are those of \"uplink\"")
        }
        Ok(()) => None,
    };
    if let Some(hint) = wrong {
        let message = format!("\"{name}\" cannot be the name of a scope");
        let (source, span) = (section.source, section.span());
        section
            .report
            .at(source, span, message, Some(hint.to_owned()));
    }
    if !section.has("canaries") {
        let hint = format!(
            "add canaries = [\"icmp://192.0.2.1\"] to [{}]",
            section.path
        );
        section.refuse("canaries", "\"canaries\" is missing", hint);
    }
    let canaries = canaries(&mut section);
    section.finish();
    Some(Scope {
        name: wrong.is_none().then_some(name)?,
        canaries: canaries.unwrap_or_default(),
    })
}

fn canaries(section: &mut Section<'_>) -> Option<Vec<Canary>> {
    let texts = section.strings("canaries")?;
    if texts.len() > MAX_CANARIES {
        let message = format!("there are more than {MAX_CANARIES} canaries");
        section.refuse("canaries", message, "one that answers is enough");
    }
    let mut canaries = Vec::new();
    for (text, span) in texts {
        match Canary::parse(&text) {
            Ok(canary) if canaries.contains(&canary) => {}
            Ok(canary) => canaries.push(canary),
            Err(hint) => {
                let message = format!("\"{text}\" is no canary");
                let hint = Some(hint.to_owned());
                section.report.at(section.source, span, message, hint);
            }
        }
    }
    Some(canaries)
}
