//! Who listens to events: a bounded number, each with a short queue of its own. Owned by the one task that has
//! something to tell; a listener that does not keep up is told to load the page anew.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};

use super::body::Feed;
use super::limits::WATCHERS;

/// Messages that may wait for one listener: eight seconds of a page that changes all the time.
const QUEUE: usize = 8;
/// Listeners that may wait to be let in, until the task that owns them looks up.
const ARRIVALS: usize = 64;
/// How often a comment is sent when there is nothing to tell, so that proxies keep the connection and dead
/// listeners are found.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a listener does that missed something.
pub(crate) const RELOAD: Bytes = Bytes::from_static(b"event: reload\ndata: {}\n\n");
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// One listener.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Whether what is for operators is for this one.
    pub(crate) operator: bool,
    events: mpsc::Sender<Bytes>,
    behind: bool,
}

/// Where listeners come in.
#[derive(Debug)]
pub(crate) struct Door {
    arrivals: mpsc::Sender<Watcher>,
    seats: Arc<Semaphore>,
}

impl Door {
    /// A door, and the end at which listeners arrive.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Watcher>) {
        let (arrivals, receiver) = mpsc::channel(ARRIVALS);
        let seats = Arc::new(Semaphore::new(WATCHERS));
        (Self { arrivals, seats }, receiver)
    }

    /// Lets one in; none when all seats are taken.
    pub(crate) async fn enter(&self, operator: bool) -> Option<Feed> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let (events, receiver) = mpsc::channel(QUEUE);
        let watcher = Watcher {
            operator,
            events,
            behind: false,
        };
        // The owner takes arrivals in between two rounds; it ends only with the server.
        self.arrivals.send(watcher).await.ok()?;
        Some(Feed::new(receiver, seat))
    }
}

impl Watcher {
    /// Sends `message`, or notes that it was missed. False when the listener is gone.
    pub(crate) fn send(&mut self, message: &Bytes) -> bool {
        let message = if self.behind { &RELOAD } else { message };
        match self.events.try_send(message.clone()) {
            Ok(()) => self.behind = false,
            Err(TrySendError::Full(_)) => self.behind = true,
            Err(TrySendError::Closed(_)) => return false,
        }
        true
    }
}

/// All listeners.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Vec<Watcher>);

impl Watchers {
    pub(crate) fn add(&mut self, watcher: Watcher) {
        self.0.push(watcher);
    }

    /// Sends a message to all, or to one audience.
    pub(crate) fn tell(&mut self, message: &Bytes, audience: Option<bool>) {
        self.0.retain_mut(|watcher| {
            audience.is_some_and(|audience| audience != watcher.operator) || watcher.send(message)
        });
    }

    pub(crate) fn keep_alive(&mut self) {
        // A listener with a full queue hears enough.
        self.0.retain(|watcher| {
            !matches!(
                watcher.events.try_send(COMMENT),
                Err(TrySendError::Closed(_))
            )
        });
    }

    /// Forgets those that are gone, and says how many are left.
    pub(crate) fn count(&mut self) -> usize {
        self.0.retain(|watcher| !watcher.events.is_closed());
        self.0.len()
    }

    /// Whether anybody of this audience listens.
    pub(crate) fn any(&self, operator: bool) -> bool {
        self.0.iter().any(|watcher| watcher.operator == operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_keep_up_is_told_to_load_anew_once() {
        let (door, mut arrivals) = Door::new();
        let mut feed = door.enter(false).await.expect("a free seat");
        let mut watchers = Watchers::default();
        watchers.add(arrivals.recv().await.expect("an arrival"));
        for number in 0..20 {
            watchers.tell(&Bytes::from(number.to_string()), None);
        }
        let mut heard = Vec::new();
        while let Ok(message) = feed.events.try_recv() {
            heard.push(message);
        }
        assert_eq!(heard.len(), QUEUE);
        watchers.tell(&Bytes::from_static(b"20"), None);
        watchers.tell(&Bytes::from_static(b"21"), None);
        assert_eq!(feed.events.try_recv().ok(), Some(RELOAD));
        assert_eq!(feed.events.try_recv().ok(), Some(Bytes::from_static(b"21")));
        drop(feed);
        assert_eq!(watchers.count(), 0);
    }

    #[tokio::test]
    async fn seats_are_limited_and_free_again() {
        let (door, mut arrivals) = Door::new();
        let mut feeds = Vec::new();
        for _ in 0..WATCHERS {
            feeds.push(door.enter(false).await.expect("a free seat"));
            arrivals.recv().await.expect("an arrival");
        }
        assert!(door.enter(false).await.is_none());
        feeds.pop();
        assert!(door.enter(false).await.is_some());
    }
}
