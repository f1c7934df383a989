//! Looks whether we reach anybody at all, by asking those who always answer: the gateway, the name servers, or
//! whom the configuration names. One answer is enough, whatever it says.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::aside::Aside;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::trace::{Stage, Trace};
use crate::core::outcome::{Outcome, Verdict};

mod ask;
mod canary;
mod system;
mod verdict;

pub use canary::Canary;
pub use system::System;

use ask::{How, Said};
use verdict::Memory;

/// How long before the end of a look answers are waited for, so that there is time to judge their absence.
const EARLY: Duration = Duration::from_millis(50);

/// What is asked, and where the system says whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    canaries: Vec<Canary>,
    system: System,
    aside: Aside,
    memory: Kept<Memory>,
}

/// Somebody who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    /// `the gateway 10.0.0.1`.
    who: String,
    how: How,
    at: SocketAddr,
    /// Whether the system named it: then its silence says something only if it has answered before.
    is_found: bool,
}

impl Settings {
    /// Asks these. `system` is where the gateway and the name servers stand.
    pub fn new(canaries: Vec<Canary>, system: System) -> Self {
        Self {
            canaries,
            system,
            aside: Aside::default(),
            memory: Kept::default(),
        }
    }

    /// Who is asked, for people.
    pub fn target(&self) -> String {
        let all = self.canaries.iter().map(Canary::text);
        all.collect::<Vec<_>>().join(", ")
    }

    pub(super) async fn look(&self, trace: &mut Trace) -> Looked<Outcome> {
        let system = self.system.clone();
        let seen = self.aside.run(trace, move || system.read()).await?;
        let asked: Vec<Asked> = self
            .canaries
            .iter()
            .flat_map(|canary| canary.asked(&seen))
            .collect();
        trace.enter(Stage::FirstByte);
        let said = ask_all(&asked, trace.deadline() - EARLY).await;
        for (asked, said) in asked.iter().zip(&said) {
            trace.note(|| finding(asked, said.as_ref()));
        }
        // Nothing is awaited from here on: a look that is given up would lose what it took.
        let mut memory = self.memory.take().unwrap_or_default();
        let wants_route = self.canaries.contains(&Canary::Gateway);
        let has_route = wants_route.then_some(seen.has_route);
        let outcome = verdict::judge(&asked, &said, has_route, trace.took(), &mut memory);
        self.memory.put(memory);
        Ok(outcome)
    }
}

/// What each said; none for those that were not waited for, because one has answered.
async fn ask_all(asked: &[Asked], until: Instant) -> Vec<Option<Said>> {
    let mut said = vec![None; asked.len()];
    let mut tasks = JoinSet::new();
    for (place, asked) in asked.iter().enumerate() {
        let (how, at) = (asked.how, asked.at);
        tasks.spawn(async move {
            let heard = timeout_at(until, how.ask(at, until)).await;
            (place, Said::of(how, heard.ok()))
        });
    }
    while let Some(ended) = tasks.join_next().await {
        let Ok((place, heard)) = ended else { continue };
        let is_enough = heard == Said::Something;
        if let Some(slot) = said.get_mut(place) {
            *slot = Some(heard);
        }
        if is_enough {
            break;
        }
    }
    said
}

fn finding(asked: &Asked, said: Option<&Said>) -> Finding {
    let (found, verdict) = match said {
        Some(Said::Something) => ("an answer".to_owned(), Verdict::Pass),
        Some(Said::Nothing) => ("silence".to_owned(), Verdict::Fail),
        Some(Said::NotAsked(why)) => (why.clone(), Verdict::Unknown),
        None => ("not waited for".to_owned(), Verdict::Unknown),
    };
    Finding::new(&asked.who, "an answer of any kind", found, true).worth(verdict)
}
