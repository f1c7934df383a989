//! What the parts follow when the configuration changes: one cell each, set from the plan.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::notices::{Fact, Notices};

use crate::channel::relay::Relays;
use crate::channel::smtp::Deadlines;
use crate::channel::{email, message};
use crate::config::{self, Listen, Plan, Planned};
use crate::core::schedule::Calendar;
use crate::core::time::Time;
use crate::core::view::View;
use crate::engine::stationery::Stationery;
use crate::journal::Retention;
use crate::listen::Listening;
use crate::remedy::Treatment;
use crate::schedule::Job;
use crate::settings::Secret;
use crate::web::page::About;
use crate::web::{Buckets, Facts, Keys, Reached, Tokens, is_local};

/// The cells. Clones lead to the same ones.
#[derive(Clone)]
pub(super) struct Wires {
    pub(super) stationery: watch::Sender<Arc<Stationery>>,
    pub(super) archived: watch::Sender<bool>,
    pub(super) archive: watch::Sender<Option<Secret>>,
    pub(super) relays: watch::Sender<Arc<Relays>>,
    pub(super) retention: watch::Sender<Retention>,
    pub(super) digest: watch::Sender<Option<Calendar>>,
    pub(super) jobs: watch::Sender<Arc<Vec<Job>>>,
    pub(super) treatments: watch::Sender<Arc<Vec<Treatment>>>,
    pub(super) facts: watch::Sender<Arc<Facts>>,
    pub(super) node: watch::Sender<Arc<str>>,
    pub(super) keys: watch::Sender<Keys>,
    /// The ping key that was made at the first start.
    own_key: Keys,
    pub(super) buckets: Arc<Buckets>,
    pub(super) tokens: watch::Sender<Tokens>,
    notices: watch::Sender<Notices>,
}

impl Wires {
    /// The cells as this plan sets them, still without jobs: those need the numbers of the checks.
    pub(super) fn new(plan: &Plan, status: &[Listening], started: Time) -> Self {
        let own_key = Keys::kept(&plan.data_dir);
        Self {
            stationery: watch::Sender::new(Arc::new(stationery(plan))),
            archived: watch::Sender::new(plan.postgres.is_some()),
            archive: watch::Sender::new(plan.postgres.clone()),
            relays: watch::Sender::new(Arc::new(relays(plan))),
            retention: watch::Sender::new(retention(plan)),
            digest: watch::Sender::new(plan.email.digest.clone()),
            jobs: watch::Sender::default(),
            treatments: watch::Sender::default(),
            facts: watch::Sender::new(Arc::new(facts(plan, status, started))),
            node: watch::Sender::new(Arc::clone(&plan.node)),
            keys: watch::Sender::new(keys(plan, &own_key)),
            own_key,
            buckets: Arc::new(Buckets::new(&plan.pings.rates)),
            tokens: watch::Sender::new(Tokens::new(&plan.tokens)),
            notices: watch::Sender::default(),
        }
    }

    /// Sets every cell whose part of the plan has changed.
    pub(super) fn follow(&self, plan: &Plan, view: &View) {
        self.stationery.send_replace(Arc::new(stationery(plan)));
        self.archived.send_if_modified(|archived| {
            std::mem::replace(archived, plan.postgres.is_some()) != plan.postgres.is_some()
        });
        self.archive
            .send_if_modified(|url| std::mem::replace(url, plan.postgres.clone()) != plan.postgres);
        self.relays.send_replace(Arc::new(relays(plan)));
        self.retention.send_replace(retention(plan));
        self.digest.send_if_modified(|digest| {
            std::mem::replace(digest, plan.email.digest.clone()) != plan.email.digest
        });
        self.node
            .send_if_modified(|node| std::mem::replace(node, Arc::clone(&plan.node)) != plan.node);
        self.keys.send_replace(keys(plan, &self.own_key));
        self.buckets.set(&plan.pings.rates);
        self.tokens.send_replace(Tokens::new(&plan.tokens));
        let jobs = jobs(plan, view, &self.jobs.borrow());
        self.jobs.send_replace(Arc::new(jobs));
        self.treatments
            .send_replace(Arc::new(treatments(plan, view)));
        self.facts.send_modify(|facts| {
            let facts = Arc::make_mut(facts);
            (facts.node, facts.zone) = (Arc::clone(&plan.node), plan.zone.clone());
            facts.url = plan.status_url.as_deref().map(Arc::from);
            facts.about.config = files(plan);
            let listen = std::mem::take(&mut facts.reached.listen);
            facts.reached = reached(plan, listen);
        });
    }

    /// Shows a line about `fact` above every page, or no more.
    pub(super) fn notice(&self, fact: Fact, text: Option<&str>) {
        self.notices.send_modify(|notices| notices.set(fact, text));
        let text = self.notices.borrow().text();
        self.facts.send_if_modified(|facts| {
            let changed = facts.notice != text;
            if changed {
                Arc::make_mut(facts).notice = text;
            }
            changed
        });
    }
}

/// What the scheduler runs. A probe that is equal to the one before is the one before, with its connection.
/// Those of the plan, else our own.
fn keys(plan: &Plan, own: &Keys) -> Keys {
    match plan.pings.keys.as_slice() {
        [] => own.clone(),
        keys => Keys::new(keys),
    }
}

fn jobs(plan: &Plan, view: &View, old: &[Job]) -> Vec<Job> {
    let known: std::collections::BTreeMap<_, _> = old.iter().map(|job| (job.check, job)).collect();
    let runnable = plan
        .checks
        .iter()
        .filter(|planned| planned.check.not_configured.is_none());
    let job = |planned: &Planned| {
        let check = view.engine.named(&planned.check.name)?.id;
        let probe = planned.probe.clone()?;
        let behind = planned.check.behind.as_ref();
        let behind = behind.and_then(|name| view.engine.named(name));
        let probe = known
            .get(&check)
            .filter(|job| job.probe == probe)
            .map_or(probe, |job| Arc::clone(&job.probe));
        Some(Job {
            check,
            schedule: planned.check.schedule.clone(),
            retry_every: planned.check.retry_every,
            timeout: planned.check.timeout,
            probe,
            behind: behind.map(|uplink| uplink.id),
        })
    };
    runnable.filter_map(job).collect()
}

/// What is done about which check.
fn treatments(plan: &Plan, view: &View) -> Vec<Treatment> {
    let treated = plan.checks.iter().filter_map(|planned| {
        let check = &planned.check;
        let rule = check.remedy.as_ref()?;
        Some(Treatment {
            check: view.engine.named(&check.name)?.id,
            name: Arc::clone(&check.name),
            depends_on: check.depends_on.clone(),
            remedy: Arc::clone(planned.remedy.as_ref()?),
            timeout: rule.timeout,
            settle: rule.settle,
        })
    });
    treated.collect()
}

fn stationery(plan: &Plan) -> Stationery {
    Stationery {
        context: message::Context {
            node: Arc::clone(&plan.node),
            zone: plan.zone.clone(),
            status_url: plan.status_url.clone(),
            local_url: local(plan),
        },
        identity: email::Identity {
            from: plan.email.from.clone(),
            node: Arc::clone(&plan.node),
        },
    }
}

/// Where this machine itself reaches the status page.
fn local(plan: &Plan) -> String {
    let near = plan.listen.near();
    near.first()
        .map(|address| format!("http://{address}"))
        .unwrap_or_default()
}

fn relays(plan: &Plan) -> Relays {
    Relays {
        from: plan.email.from.email.clone(),
        list: plan.email.relays.clone(),
        deadlines: Deadlines::default(),
        names: Arc::default(),
    }
}

fn retention(plan: &Plan) -> Retention {
    let config::Retention {
        outcomes,
        pings,
        history,
        max_bytes,
    } = plan.retention;
    // Windows of five minutes are drawn for as long as single outcomes are, and a good while longer.
    Retention {
        outcomes,
        windows: (outcomes * 6).min(history),
        pings,
        events: history,
        max_bytes,
    }
}

fn facts(plan: &Plan, status: &[Listening], started: Time) -> Facts {
    Facts {
        node: Arc::clone(&plan.node),
        zone: plan.zone.clone(),
        url: plan.status_url.as_deref().map(Arc::from),
        notice: None,
        reached: reached(
            plan,
            status.iter().map(|listening| listening.address).collect(),
        ),
        about: About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            config: files(plan),
            listen: listen(plan),
            data_dir: std::path::absolute(&plan.data_dir)
                .unwrap_or_else(|_| plan.data_dir.clone())
                .display()
                .to_string(),
            journal_bytes: 0,
        },
    }
}

/// By which names the status page is asked for, and whether by somebody elsewhere.
fn reached(plan: &Plan, listen: Vec<SocketAddr>) -> Reached {
    let url = plan.status_url.as_deref();
    let url = url.and_then(|url| url.parse::<http::Uri>().ok());
    let published = url.as_ref().and_then(http::Uri::host);
    let host = hostname::get().unwrap_or_default();
    let host = host.to_string_lossy();
    let short = host.split('.').next().unwrap_or_default();
    let names = [Some(&*plan.node), Some(&*host), Some(short), published];
    Reached {
        listen,
        names: names.into_iter().flatten().map(str::to_owned).collect(),
        is_published: published.is_some_and(|host| !is_local(host)),
    }
}

/// Which service listens where, for people.
fn listen(plan: &Plan) -> Vec<(String, String)> {
    let Listen {
        status,
        hello,
        shrunken,
    } = &plan.listen;
    let services = [
        ("status page", status),
        ("hello page", hello),
        ("shrunken page", shrunken),
    ];
    let places = |addresses: &[SocketAddr]| {
        addresses
            .iter()
            .map(|a| format!("http://{a}/"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let pages = services.map(|(name, addresses)| (name.to_owned(), places(addresses)));
    let mail = plan.mail_pings.iter().map(|mail| {
        let at: Vec<String> = mail.listen.iter().map(ToString::to_string).collect();
        let told = format!("UUID@{} at {}", mail.domain, at.join(", "));
        ("pings by e-mail".to_owned(), told)
    });
    pages.into_iter().chain(mail).collect()
}

/// What was read, without the folders that are only followed.
fn files(plan: &Plan) -> Vec<String> {
    let read = plan.files.iter().filter(|path| path.is_file());
    read.map(|path| path.display().to_string()).collect()
}
