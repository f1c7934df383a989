//! Pages that keep themselves up to date: one task sees what changed in the view, draws those pieces once and
//! hands the same bytes to everybody who listens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::watchers::{KEEP_ALIVE, RELOAD, Visitor, Watchers};
use super::{App, Facts, show};
use crate::core::check::CheckId;
use crate::core::view::View;

/// How often changes are told.
const ROUND: Duration = Duration::from_secs(1);
/// Rows that are told in one round; what is more waits for the next, so that a message stays below a megabyte.
const ROWS: usize = 500;
/// The first words to a listener: when to come back after a break, in milliseconds.
const GREETING: &str = "retry: 2000\n\n";

/// Tells changes until `shutdown`.
pub(super) async fn run(
    app: Arc<App>,
    mut arrivals: mpsc::Receiver<Visitor>,
    shutdown: CancellationToken,
) {
    let mut round = interval(ROUND);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut desk = Desk {
        told: Told::of(&app),
        app,
        watchers: Watchers::default(),
        waiting: BTreeSet::new(),
        heads: [None, None],
        kept_alive: Instant::now(),
    };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(visitor) = arrivals.recv() => desk.greet(visitor).await,
            _ = round.tick() => desk.round().await,
        }
    }
}

/// What everybody has been told.
#[derive(Clone)]
struct Told {
    view: Arc<View>,
    facts: Arc<Facts>,
}

impl Told {
    fn of(app: &App) -> Self {
        Self {
            view: Arc::clone(&app.view.borrow()),
            facts: Arc::clone(&app.facts.borrow()),
        }
    }
}

struct Desk {
    app: Arc<App>,
    told: Told,
    watchers: Watchers,
    /// Rows that changed and were not told yet.
    waiting: BTreeSet<CheckId>,
    /// What a newcomer is told: the pieces above and below the rows, for the public and for operators. It
    /// covers what changed between the drawing of the page and the listening; a row comes with its next look.
    heads: [Option<Bytes>; 2],
    kept_alive: Instant,
}

impl Desk {
    async fn greet(&mut self, visitor: Visitor) {
        if !self.watchers.has_room(&visitor) {
            return; // Nothing is drawn for it.
        }
        if self.watchers.count() == 0 {
            // Nobody listened: begin with how it is now.
            self.begin_anew();
        }
        let place = usize::from(visitor.operator);
        if self.heads[place].is_none() {
            self.heads[place] = self.draw(Vec::new(), visitor.operator).await;
        }
        let heads = self.heads[place].clone().unwrap_or_default();
        let greeting = [GREETING.as_bytes(), &heads].concat();
        self.watchers.admit(visitor, &greeting.into());
        self.count();
    }

    async fn round(&mut self) {
        if self.count() == 0 {
            return;
        }
        if self.kept_alive.elapsed() >= KEEP_ALIVE {
            self.kept_alive = Instant::now();
            self.watchers.keep_alive();
        }
        let now = Told::of(&self.app);
        let same_rows = Arc::ptr_eq(&now.view.engine.roster, &self.told.view.engine.roster);
        if !same_rows || !Arc::ptr_eq(&now.facts, &self.told.facts) {
            // Rows came or went, or the page's frame changed.
            self.begin_anew();
            self.watchers.tell(&RELOAD, None);
            return;
        }
        let is_news = now.view.number != self.told.view.number;
        if !is_news && self.waiting.is_empty() {
            return;
        }
        if is_news {
            self.waiting.extend(changed(&self.told.view, &now.view));
            self.told = now;
            self.heads = [None, None];
        }
        let rows: Vec<CheckId> = self.waiting.iter().copied().take(ROWS).collect();
        for row in &rows {
            self.waiting.remove(row);
        }
        for operator in [false, true] {
            if !self.watchers.any(operator) {
                continue;
            }
            let Some(mut message) = self.draw(rows.clone(), operator).await.map(Vec::from) else {
                continue;
            };
            let number = self.told.view.number;
            message.extend_from_slice(format!("event: changed\ndata: {number}\n\n").as_bytes());
            self.watchers.tell(&message.into(), Some(operator));
        }
    }

    fn begin_anew(&mut self) {
        self.told = Told::of(&self.app);
        self.waiting.clear();
        self.heads = [None, None];
    }

    fn count(&mut self) -> usize {
        let count = self.watchers.count();
        self.app
            .vitals
            .watchers
            .set(u64::try_from(count).unwrap_or(u64::MAX));
        count
    }

    /// The pieces of the page as events: those of `rows`, and those around them.
    async fn draw(&self, rows: Vec<CheckId>, operator: bool) -> Option<Bytes> {
        let (app, told) = (Arc::clone(&self.app), self.told.clone());
        let drawing = spawn_blocking(move || {
            let mut text = String::new();
            for (id, html) in show::fragments(&app, &told.view, &told.facts, operator, &rows) {
                let data = json!({ "id": id, "html": html });
                text.push_str("event: fragment\ndata: ");
                text.push_str(&data.to_string());
                text.push_str("\n\n");
            }
            Bytes::from(text)
        });
        drawing
            .await
            .inspect_err(|error| error!(%error, "A change could not be drawn"))
            .ok()
    }
}

/// The checks that are not the same in both views.
fn changed(old: &View, new: &View) -> Vec<CheckId> {
    let differs = |id: CheckId| match (old.engine.watched(id), new.engine.watched(id)) {
        (Some(a), Some(b)) => !Arc::ptr_eq(a, b),
        (None, Some(_)) | (Some(_), None) => true,
        (None, None) => false,
    };
    let ids = new.engine.active().map(|watched| watched.id);
    ids.filter(|&id| differs(id)).collect()
}
