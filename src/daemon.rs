//! The composition root: the only file that names every part. One straight line from the configuration to
//! the last task, with what ends a part next to what began it.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::archive::Archivist;
use crate::clock::Clock;
use crate::config::{self, Listen, Plan, Source};
use crate::core::engine::Engine;
use crate::core::view::View;
use crate::courier::{Courier, Patience};
use crate::engine::EngineLoop;
use crate::inbox::Inbox;
use crate::journal::{Journal, Opened};
use crate::listen::{Inherited, Listening};
use crate::probe::{Env, Known, Unseen};
use crate::remedy::Healer;
use crate::schedule::{Scheduler, chores::Chores};
use crate::vitals::Vitals;
use crate::watch::{Changes, Watch};
use crate::watchdog::{self, Part, Watchdog};
use crate::{hello, listen, postbox, web};

mod adopt;
mod announce;
mod ending;
mod follow;
mod heir;
mod log;
mod notices;
mod refusal;
mod reload;
mod signals;
mod summary;

use adopt::{Gap, adopt};
use announce::{announce, tell_of_journals};
use ending::{Ending, Stage};
use follow::Wires;
pub use heir::Heir;
pub use log::log_to_stderr_or_journal;
use notices::Fact;
pub use refusal::take as refused_to_restart;
use reload::{Reloader, StartedWith};
use signals::Signals;

/// Checks that an operator wants run now and that wait for the scheduler.
const RUN_NOW: usize = 64;

/// Runs the daemon until it is told to end (SIGTERM, SIGINT) or to restart in place (SIGUSR2), then drains; for a restart
/// it returns what comes next. `plan` is what `source` said, whose files are followed since before it was read.
#[expect(
    clippy::too_many_lines,
    reason = "one straight line: nearly every step needs what the steps before have made"
)]
pub async fn run(
    source: Source,
    mut plan: Plan,
    (watch, changes): (Watch, Changes),
) -> anyhow::Result<Option<Heir>> {
    let signals = Signals::taken()?;
    let (clock, vitals) = (Clock::start(), Arc::new(Vitals::default()));
    let started = clock.now();

    // Listeners first: a taken port is found before anything is written.
    let mut inherited = Inherited::take();
    let status = inherited.listen("status", &plan.listen.status)?;
    let hello_ports = inherited.listen("hello", &plan.listen.hello)?;
    let shrunken_ports = inherited.listen("shrunken", &plan.listen.shrunken)?;
    let mail_at = plan.mail_pings.as_ref().map(|mail| mail.listen.as_slice());
    let mail_ports = inherited.listen(listen::MAIL, mail_at.unwrap_or_default())?;
    let heir = Heir::of(
        (&source, &plan.data_dir),
        [
            ("status", &status),
            ("hello", &hello_ports),
            ("shrunken", &shrunken_ports),
            (listen::MAIL, &mail_ports),
        ],
    )?;
    let started_with = StartedWith::of(&plan);
    plan.bind(bound([&status, &hello_ports, &shrunken_ports]));

    let opened = Journal::open(&plan.data_dir, started, Arc::clone(&vitals))
        .with_context(|| format!("opening the journal in {}", plan.data_dir.display()))?;
    let Opened {
        journal,
        mut restored,
        last_alive,
        quarantined,
    } = opened;

    for definition in &mut restored.definitions {
        let made = definition.record.as_mut().and_then(|r| r.made.as_mut());
        if let Some(made) = made.filter(|made| made.by_calendar)
            && !Arc::make_mut(made).settle(config::zone_named)
        {
            let (name, tz) = (&definition.name, &made.tz);
            tracing::error!("the time zone {tz} of heartbeat {name} is not there; it goes by UTC");
        }
    }

    // Without it nobody operates from elsewhere; that is no reason not to watch.
    let token = web::Token::open(&plan.data_dir)
        .inspect_err(|error| tracing::error!("there is no operator's token: {error:#}"))
        .ok();

    let seal = web::Seal::kept(&plan.data_dir);
    let (content, notes) = hello::Content::read(plan.hello.as_deref());
    for note in &notes {
        tracing::warn!("{note}");
    }
    let (content_sender, content) = cell::channel(Arc::new(content));

    let (inbox, inputs) = Inbox::new();
    let (view_sender, view) = cell::channel(Arc::new(View::default()));
    let (run_now, wanted_now) = mpsc::channel(RUN_NOW);
    let wires = Wires::new(&plan, &status, started);
    let own = [
        &plan.listen.status,
        &plan.listen.hello,
        &plan.listen.shrunken,
    ];
    let own = own.into_iter().flatten().map(std::net::SocketAddr::port);
    let env = Env::new(clock.clone(), Arc::clone(&vitals)).listening(own.collect());
    let seen = view.clone();
    let env = env.knowing(move |name| {
        let engine = &seen.borrow().engine;
        engine.named(name).map(|w| Known::state(engine, w))
    });
    let seen = view.clone();
    let env = env.seeing(move || Unseen::all(&seen.borrow().engine));
    let env = Arc::new(env);

    let (serving, working, deciding) = (
        CancellationToken::new(),
        CancellationToken::new(),
        CancellationToken::new(),
    );
    let mut tasks = Tasks::default();

    let engine = EngineLoop {
        engine: Engine::restore(restored),
        inputs,
        journal: journal.clone(),
        stationery: wires.stationery.subscribe(),
        archived: wires.archived.subscribe(),
        view: view_sender,
        clock: clock.clone(),
        vitals: Arc::clone(&vitals),
    };
    let mut engine_task = JoinSet::new();
    engine_task.spawn(engine.run(deciding.clone()));
    adopt(
        &inbox,
        &plan,
        Gap {
            last_alive,
            now: clock.now(),
        },
    )
    .await?;
    wires.follow(&plan, &view.borrow());
    announce(
        &inbox,
        &view.borrow(),
        &source,
        quarantined.as_deref(),
        clock.now(),
    );
    if let Some(text) = &quarantined {
        tracing::error!("{text}");
        wires.notice(Fact::Journal, Some(text));
    }
    reload::say_hello(&wires, &notes);

    let scheduler = Scheduler {
        jobs: wires.jobs.subscribe(),
        now: wanted_now,
        view: view.clone(),
        inbox: inbox.clone(),
        env,
        clock: clock.clone(),
        vitals: Arc::clone(&vitals),
    };
    tasks.spawn("scheduler", scheduler.run(working.clone()));
    let healer = Healer {
        treatments: wires.treatments.subscribe(),
        view: view.clone(),
        inbox: inbox.clone(),
        look: run_now.clone(),
    };
    tasks.spawn("healer", healer.run(working.clone()));
    let courier = Courier {
        inbox: inbox.clone(),
        relays: wires.relays.subscribe(),
        view: view.clone(),
        clock: clock.clone(),
        vitals: Arc::clone(&vitals),
        patience: Patience::default(),
    };
    tasks.spawn("courier", courier.run(working.clone()));
    let archivist = Archivist {
        journal: journal.clone(),
        url: wires.archive.subscribe(),
        node: wires.node.subscribe(),
        vitals: Arc::clone(&vitals),
        clock: clock.clone(),
    };
    tasks.spawn("archivist", archivist.run(working.clone()));

    let chores = Chores {
        journal: journal.clone(),
        inbox: inbox.clone(),
        retention: wires.retention.subscribe(),
        digest: wires.digest.subscribe(),
        clock: clock.clone(),
    };
    let mut calendar = chores.clone().start().await?;
    let digests = chores.digests();
    let resting = working.clone();
    tasks.spawn("digests", async move {
        resting.run_until_cancelled(digests).await;
    });

    let (news, resting) = (journal.news(), working.clone());
    let telling = tell_of_journals(
        news,
        inbox.clone(),
        view.clone(),
        wires.clone(),
        clock.clone(),
    );
    tasks.spawn("news of the journal", async move {
        resting.run_until_cancelled(telling).await;
        resting.cancelled().await;
    });

    tasks.spawn("watch", watch.run(working.clone()));
    let reloader = Reloader {
        source: source.clone(),
        inbox: inbox.clone(),
        view: view.clone(),
        content: content_sender,
        wires: wires.clone(),
        changes,
        started_with,
        clock: clock.clone(),
        vitals: Arc::clone(&vitals),
    };
    tasks.spawn("reloader", reloader.run(plan.clone(), working.clone()));

    let sources = web::Sources {
        view: view.clone(),
        inbox: inbox.clone(),
        reader: journal.reader(),
        vitals: Arc::clone(&vitals),
        clock: clock.clone(),
        facts: wires.facts.subscribe(),
        run_now,
        keys: wires.keys.subscribe(),
        tokens: wires.tokens.subscribe(),
        buckets: Arc::clone(&wires.buckets),
        token,
        seal,
    };
    let mail_sources = plan.mail_pings.as_ref().map(|mail| postbox::Sources {
        view: view.clone(),
        inbox: inbox.clone(),
        vitals: Arc::clone(&vitals),
        clock: clock.clone(),
        keys: wires.keys.subscribe(),
        buckets: Arc::clone(&wires.buckets),
        domain: Arc::clone(&mail.domain),
    });
    let limits = web::limits::Limits::default();
    println_summary(&summary::text(
        &plan,
        &source,
        [&status, &hello_ports, &shrunken_ports],
    ));
    tasks.spawn(
        "status page",
        web::run(sockets(status), sources, limits, serving.clone()),
    );
    let ports = hello::Ports {
        hello: sockets(hello_ports),
        shrunken: sockets(shrunken_ports),
    };
    tasks.spawn(
        "hello pages",
        hello::run(ports, content, Arc::clone(&vitals), limits, serving.clone()),
    );

    if let Some(sources) = mail_sources {
        for Listening { address, .. } in &mail_ports {
            tracing::info!("mails to UUID@{} are pings at {address}", sources.domain);
        }
        let limits = postbox::Limits::default();
        let taken = postbox::run(sockets(mail_ports), sources, limits, serving.clone());
        tasks.spawn("pings by e-mail", taken);
    }

    let watchdog =
        Watchdog::start(Arc::clone(&vitals), &Part::ALL).context("starting the watchdog")?;
    watchdog::notify_ready(&format!("watching {} checks", plan.checks.len()));

    let ended = signals.told(&mut tasks, heir, &plan.data_dir).await;

    let ending = Ending::begin();
    match &ended {
        Ok(Some(_)) => watchdog::notify_status("restarting in place"),
        Ok(None) | Err(_) => watchdog::notify_stopping(),
    }
    watchdog.stop();
    // Outside in: no new requests, then no new looks and deliveries, then the last decisions.
    serving.cancel();
    working.cancel();
    let parts = async {
        tasks.all().await;
        calendar.shutdown().await
    };
    ending.wait(Stage::Parts, parts).await;
    deciding.cancel();
    ending.wait(Stage::Decisions, engine_task.join_next()).await;
    ending.wait(Stage::Journal, journal.close()).await;
    tracing::info!("ended");
    ended
}

/// Named tasks that should run as long as the daemon.
#[derive(Default)]
struct Tasks {
    set: JoinSet<&'static str>,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(async move {
            task.await;
            name
        });
    }

    /// The first that ends.
    async fn first(&mut self) -> &'static str {
        match self.set.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "part of the daemon that crashed",
            None => std::future::pending().await,
        }
    }

    /// Waits for all.
    async fn all(&mut self) {
        while self.set.join_next().await.is_some() {}
    }
}

/// Where it really listens: ports that were 0 are known, and those that systemd handed over.
fn bound([status, hello, shrunken]: [&Vec<Listening>; 3]) -> Listen {
    let addresses = |listening: &[Listening]| listening.iter().map(|l| l.address).collect();
    Listen {
        status: addresses(status),
        hello: addresses(hello),
        shrunken: addresses(shrunken),
    }
}

fn sockets(listening: Vec<Listening>) -> Vec<tokio::net::TcpListener> {
    listening
        .into_iter()
        .map(|listening| listening.listener)
        .collect()
}

/// The start-up summary goes to the terminal, not to the log.
#[expect(
    clippy::print_stdout,
    reason = "whoever starts it by hand wants to read it"
)]
fn println_summary(text: &str) {
    println!("{text}");
}
