//! One attempt to deliver one notification: the relays in order, the marker before the content, the report.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Patience;
use crate::channel::relay::{Relay, Relays};
use crate::channel::smtp::{Delay, Delivered};
use crate::core::check::Recipient;
use crate::core::input::Input;
use crate::core::outbox::{Delivery, Nid, Notification};
use crate::core::text;
use crate::inbox::{Answer, Inbox};

/// All that an attempt needs.
pub(super) struct Attempt {
    pub(super) notification: Arc<Notification>,
    pub(super) relays: Arc<Relays>,
    /// The places in `relays` to try, in this order.
    pub(super) order: Vec<usize>,
    pub(super) inbox: Inbox,
    pub(super) patience: Patience,
}

/// What an attempt came to.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) nid: Nid,
    pub(super) recipient: Recipient,
    /// How it ended, if it came to anything that can be said.
    pub(super) report: Option<Delivery>,
    /// Whether the engine knows that.
    pub(super) reported: bool,
    /// Relays that answered as relays do, and those that did not.
    pub(super) worked: Vec<Arc<str>>,
    pub(super) failed: Vec<Arc<str>>,
}

/// What one relay made of it.
struct Said {
    relay: Arc<str>,
    delivered: Delivered,
    /// Whether the engine was told that the content is about to leave.
    marked: bool,
}

/// The relays that have been asked.
#[derive(Default)]
struct Asked {
    tasks: JoinSet<Said>,
    /// Those of them that have not answered yet.
    silent: Vec<Arc<str>>,
}

/// What is known so far.
#[derive(Default)]
struct Score {
    /// What each relay said that did not take it.
    replies: Vec<String>,
    /// Whether trying again may help: not every relay has refused it for good.
    hope: bool,
    /// A relay that may have taken it without saying so.
    unclear: Option<Arc<str>>,
    worked: Vec<Arc<str>>,
    failed: Vec<Arc<str>>,
}

impl Attempt {
    /// Tries, and reports until the engine has heard it.
    pub(super) async fn run(self) -> Landed {
        let mut score = Score::default();
        let report = match self.impossible() {
            Some(impossible) => Some(impossible),
            None => self.tried(&mut score).await,
        };
        let reported = match &report {
            Some(report) => self.report(report.clone()).await,
            None => false,
        };
        Landed {
            nid: self.notification.nid.clone(),
            recipient: self.notification.recipient.clone(),
            report,
            reported,
            worked: score.worked,
            failed: score.failed,
        }
    }

    /// What can be said without trying.
    fn impossible(&self) -> Option<Delivery> {
        let refused = |why: &str| Some(Delivery::Refused { reply: why.into() });
        if &*self.notification.recipient.channel != "email" {
            return refused("there is no such channel: use a recipient of the channel email");
        }
        if self.notification.message.is_empty() {
            return refused("its text is missing in the journal");
        }
        None
    }

    /// Tries one relay after the other; the next one as soon as one has failed, and beside one that is silent
    /// for too long. None if nothing is to be reported: somebody else tells it, or the engine is busy.
    async fn tried(&self, score: &mut Score) -> Option<Delivery> {
        let mut places = self.order.iter().copied();
        let mut asked = Asked::default();
        if let Some(first) = places.next() {
            self.ask(first, &mut asked);
        }
        while !asked.tasks.is_empty() {
            // The last relay is waited for as long as it takes: its own deadlines end it.
            let more = places.len() > 0;
            let said = match timeout(self.patience.hedge, asked.tasks.join_next()).await {
                Err(_) if more => {
                    // Whoever is overtaken has failed, or every later alert would wait for it as well.
                    score.failed.extend(asked.silent.iter().cloned());
                    self.ask(places.next()?, &mut asked);
                    continue;
                }
                Err(_) => continue,
                Ok(None) => break,
                Ok(Some(Err(error))) => {
                    tracing::error!(%error, "a relay's delivery broke off inside");
                    score.hope = true;
                    continue;
                }
                Ok(Some(Ok(said))) => said,
            };
            asked.silent.retain(|relay| *relay != said.relay);
            match score.weigh(&said) {
                Next::Done(report) => return Some(report),
                Next::Wait => places = [].iter().copied(),
                Next::Relay => {}
            }
            if asked.tasks.is_empty()
                && let Some(place) = places.next()
            {
                // Said in between, so that the next marker is not taken for a repetition of this one.
                if said.marked {
                    let reply = score.said();
                    self.report(Delivery::Deferred { reply }).await;
                }
                self.ask(place, &mut asked);
            }
        }
        if self.order.is_empty() {
            score.hope = true;
            let none = "no relay is configured: write [email] relays = [\"smtp://…\"]";
            score.replies.push(none.to_owned());
        }
        if let Some(relay) = &score.unclear {
            // The marker a second time: so the engine counts that the same bytes go out again.
            let nid = &self.notification.nid;
            mark(&self.inbox, nid, relay, self.patience.report).await;
        }
        // Nothing said and not taken: it was not wanted any more, or the engine was too busy to say.
        (!score.replies.is_empty()).then(|| score.verdict())
    }

    /// Asks one more relay to take it.
    fn ask(&self, place: usize, asked: &mut Asked) {
        asked
            .silent
            .extend(self.relays.list.get(place).map(Relay::name));
        asked.tasks.spawn(self.hand_to(place));
    }

    /// One relay's part, as a task of its own.
    fn hand_to(&self, place: usize) -> impl Future<Output = Said> + Send + 'static {
        let (relays, inbox) = (Arc::clone(&self.relays), self.inbox.clone());
        let (notification, within) = (Arc::clone(&self.notification), self.patience.report);
        async move {
            let Some(relay) = relays.list.get(place) else {
                return Said {
                    relay: "none".into(),
                    delivered: Delivered::Withheld,
                    marked: false,
                };
            };
            let name = relay.name();
            let mut marked = false;
            let before_content = async {
                marked = mark(&inbox, &notification.nid, &name, within).await;
                marked
            };
            let delivered = relay.deliver(&notification, &relays, before_content).await;
            Said {
                relay: Arc::clone(&name),
                delivered,
                marked,
            }
        }
    }

    /// Tells the engine, again and again while it is too busy to hear: what a relay has taken must not be
    /// forgotten, or it would be sent again.
    async fn report(&self, delivery: Delivery) -> bool {
        self.log(&delivery);
        loop {
            let nid = self.notification.nid.clone();
            let input = Input::Delivery {
                nid,
                delivery: delivery.clone(),
            };
            match self.inbox.ask(input, self.patience.report).await {
                Answer::Done | Answer::Nothing | Answer::NotDurable => return true,
                Answer::Busy => sleep(self.patience.again).await,
            }
        }
    }

    fn log(&self, delivery: &Delivery) {
        let (nid, kind) = (&self.notification.nid, self.notification.kind.word());
        let about = &self.notification.about;
        match delivery {
            Delivery::Accepted { relay, reply } => {
                tracing::info!(%nid, kind, about = %about, relay = %relay, reply = %reply, "a relay took a notification");
            }
            Delivery::Deferred { reply } => {
                tracing::warn!(%nid, kind, about = %about, reply = %reply, attempts = self.notification.attempts + 1, "a notification could not be delivered, and will be tried again");
            }
            Delivery::Refused { reply } => {
                tracing::error!(%nid, kind, about = %about, reply = %reply, "a notification cannot be delivered");
            }
            Delivery::Sending { .. } => {}
        }
    }
}

/// Makes it durable that the content is about to leave. False if it must not.
async fn mark(inbox: &Inbox, nid: &Nid, relay: &Arc<str>, within: Duration) -> bool {
    let delivery = Delivery::Sending {
        relay: Arc::clone(relay),
    };
    let nid = nid.clone();
    match inbox.ask(Input::Delivery { nid, delivery }, within).await {
        // An alert also leaves when it cannot be written down.
        Answer::Done | Answer::NotDurable => true,
        Answer::Nothing | Answer::Busy => false,
    }
}

/// What to do after a relay has spoken.
enum Next {
    Done(Delivery),
    /// No further relay; what is under way may still take it.
    Wait,
    /// Another relay.
    Relay,
}

impl Score {
    fn weigh(&mut self, said: &Said) -> Next {
        let relay = &said.relay;
        match &said.delivered {
            // This relay has not been heard: nobody can say that all have refused.
            Delivered::Withheld => {
                self.hope = true;
                Next::Wait
            }
            Delivered::Accepted { reply } => {
                self.worked.push(Arc::clone(relay));
                Next::Done(Delivery::Accepted {
                    relay: Arc::clone(relay),
                    reply: self.after(reply),
                })
            }
            Delivered::RelayRefused { reply } => {
                self.hope = true;
                self.note(relay, reply);
                Next::Relay
            }
            Delivered::Deferred { reply, why } => {
                self.hope = true;
                self.note(relay, reply);
                self.deferred(relay, *why)
            }
            // What one relay takes for spam another may let pass, and whom it does not know another may.
            Delivered::Refused { reply } => {
                self.worked.push(Arc::clone(relay));
                self.note(relay, reply);
                Next::Relay
            }
        }
    }

    fn deferred(&mut self, relay: &Arc<str>, why: Delay) -> Next {
        match why {
            Delay::Said => {
                self.worked.push(Arc::clone(relay));
                Next::Relay
            }
            Delay::Broken => {
                self.failed.push(Arc::clone(relay));
                Next::Relay
            }
            // What may have been taken is not given to the next one at once: the same bytes go out again
            // after a pause, if it must be.
            Delay::Ambiguous => {
                self.failed.push(Arc::clone(relay));
                self.unclear = Some(Arc::clone(relay));
                Next::Wait
            }
        }
    }

    /// The reply of the relay that took it, with what those before it had said: a relay that refuses must
    /// not go unnoticed because another one is kinder.
    fn after(&self, reply: &str) -> Arc<str> {
        if self.replies.is_empty() {
            return text::message(reply);
        }
        text::message(&format!("{reply} (before that, {})", self.said()))
    }

    fn said(&self) -> Arc<str> {
        text::message(&self.replies.join("; "))
    }

    fn note(&mut self, relay: &str, reply: &str) {
        self.replies.push(format!("{relay}: {reply}"));
    }

    /// The end, when no relay has taken it.
    fn verdict(&self) -> Delivery {
        let reply = self.said();
        if self.hope {
            Delivery::Deferred { reply }
        } else {
            Delivery::Refused { reply }
        }
    }
}
