//! The overview, drawn when somebody asks for it and at most four times a second, kept until it is out of date.
//!
//! Whoever asks reads what is kept; when that is too old he says so and waits for the painter, of which there is
//! one per audience. So a thousand readers cause one drawing, and nobody holds a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::{HeaderMap, Response};
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::body::Body;
use super::stored::Stored;
use super::{App, Facts, respond, show};
use crate::core::view::View;

/// A drawing is good for this long whatever happens: what changes more often is not seen anyway.
const STEADY: Duration = Duration::from_millis(250);
/// A drawing this old is still shown while the next is made.
const PASSABLE: Duration = Duration::from_secs(1);
/// Ages (`12 s ago`) are drawn anew after this even if nothing happened.
const AGED: Duration = Duration::from_secs(5);
/// How long a reader waits for a drawing.
const PATIENCE: Duration = Duration::from_secs(10);

/// For whom: operators see buttons.
const AUDIENCES: [bool; 2] = [false, true];

/// One drawing.
#[derive(Debug)]
struct Drawing {
    number: u64,
    facts: Arc<Facts>,
    /// When it was finished.
    at: Instant,
    stored: Stored,
}

/// The drawing for one audience.
#[derive(Debug)]
struct Easel {
    shown: watch::Sender<Option<Arc<Drawing>>>,
    wanted: Notify,
}

/// What is kept.
#[derive(Debug)]
pub(super) struct Cache {
    easels: [Easel; 2],
    /// Drawings of older views than this are not shown any more.
    floor: AtomicU64,
}

/// How good a drawing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Good,
    /// To be shown this time.
    Passable,
    Old,
}

impl Cache {
    pub(super) fn new() -> Self {
        let easel = |_| Easel {
            shown: watch::Sender::new(None),
            wanted: Notify::new(),
        };
        Self {
            easels: AUDIENCES.map(easel),
            floor: AtomicU64::new(0),
        }
    }

    /// From now on only what shows the view `number` or a later one: somebody did something and wants to see it.
    pub(super) fn not_before(&self, number: u64) {
        self.floor.fetch_max(number, Relaxed);
    }

    fn easel(&self, operator: bool) -> &Easel {
        let [public, operators] = &self.easels;
        if operator { operators } else { public }
    }

    /// The overview; none when it could not be drawn in time.
    pub(super) async fn overview(
        &self,
        app: &App,
        operator: bool,
        request: &HeaderMap,
    ) -> Option<Response<Body>> {
        let easel = self.easel(operator);
        if let Some(drawing) = self.showable(app, easel) {
            return Some(drawing.stored.answer(request));
        }
        let mut shown = easel.shown.subscribe();
        let wait = async {
            loop {
                shown.mark_unchanged();
                if let Some(drawing) = self.showable(app, easel) {
                    return Some(drawing);
                }
                shown.changed().await.ok()?;
            }
        };
        let drawing = timeout(PATIENCE, wait).await.ok().flatten()?;
        Some(drawing.stored.answer(request))
    }

    /// What is kept, if it can be shown; asks for a new one unless it is as good as new.
    fn showable(&self, app: &App, easel: &Easel) -> Option<Arc<Drawing>> {
        let drawing = easel.shown.borrow().clone();
        let fit = drawing
            .as_ref()
            .map_or(Fit::Old, |drawing| self.fit(app, drawing));
        if fit != Fit::Good {
            easel.wanted.notify_one();
        }
        drawing.filter(|_| fit != Fit::Old)
    }

    fn fit(&self, app: &App, drawing: &Drawing) -> Fit {
        let age = drawing.at.elapsed();
        if drawing.number < self.floor.load(Relaxed) {
            return Fit::Old;
        }
        let same = app.view.borrow().number == drawing.number
            && Arc::ptr_eq(&app.facts.borrow(), &drawing.facts);
        match age {
            _ if age < STEADY || (same && age < AGED) => Fit::Good,
            _ if age < PASSABLE => Fit::Passable,
            _ => Fit::Old,
        }
    }

    /// Draws for one audience whenever it is asked for, until `shutdown`.
    pub(super) async fn paint(&self, app: Arc<App>, operator: bool, shutdown: CancellationToken) {
        let easel = self.easel(operator);
        loop {
            tokio::select! {
                () = easel.wanted.notified() => {}
                () = shutdown.cancelled() => return,
            }
            let kept = easel.shown.borrow().clone();
            if kept.is_some_and(|kept| self.fit(&app, &kept) == Fit::Good) {
                continue; // Asked for while the last one was drawn.
            }
            let painter = Arc::clone(&app);
            let drawing = spawn_blocking(move || {
                let view = Arc::clone(&painter.view.borrow());
                let facts = Arc::clone(&painter.facts.borrow());
                draw(&view, facts, |view, facts| {
                    show::overview(&painter, view, facts, operator)
                })
            });
            match drawing.await {
                Ok(drawing) => {
                    easel.shown.send_replace(Some(Arc::new(drawing)));
                }
                Err(error) => error!(%error, "The overview could not be drawn"),
            }
        }
    }
}

/// Runs the painters of all audiences until `shutdown`.
pub(super) async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let [public, operators] = AUDIENCES.map(|operator| {
        app.cache
            .paint(Arc::clone(&app), operator, shutdown.clone())
    });
    tokio::join!(public, operators);
}

/// Draws. A drawing is as old as it is finished: one that takes a second to make would
/// otherwise be too old to show before anybody saw it, and with constant changes nobody ever would.
fn draw(view: &View, facts: Arc<Facts>, paint: impl FnOnce(&View, &Facts) -> String) -> Drawing {
    let html = paint(view, &facts);
    let stored = Stored::new(&respond::page_headers(), html.into());
    Drawing {
        number: view.number,
        facts,
        at: Instant::now(),
        stored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::Reached;
    use crate::web::page::About;

    #[test]
    fn a_drawing_is_as_old_as_it_is_finished() {
        let facts = Arc::new(Facts {
            node: "web-1".into(),
            zone: jiff::tz::TimeZone::UTC,
            url: None,
            notice: None,
            reached: Reached::default(),
            about: About::default(),
        });
        let mut painted = None;
        let drawing = draw(&View::default(), facts, |_, _| {
            painted = Some(Instant::now());
            "a page".to_owned()
        });
        assert!(painted.is_some_and(|painted| drawing.at >= painted));
    }
}
