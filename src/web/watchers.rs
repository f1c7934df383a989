//! Who listens to events: a bounded number of all and of each address, each with a short queue of its own. Owned by
//! the one task that has something to tell; a listener that does not keep up is told to load the page anew, and one
//! that takes nothing at all is let go.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::body::{Feed, Line};
use super::limits::{WATCHERS, WATCHERS_PER_ADDRESS};
use super::seats::neighbourhood;

/// Messages that may wait for one listener: eight seconds of a page that changes all the time.
const QUEUE: usize = 8;
/// Listeners that may wait to be let in, until the task that owns them looks up.
const ARRIVALS: usize = 64;
/// How long one waits to be let in; the owner may be drawing.
const WAIT: Duration = Duration::from_secs(5);
/// How long a queue may stay full until its listener is let go: as long as a connection may take nothing.
const STUCK: Duration = Duration::from_secs(30);
/// How often a comment is sent when there is nothing to tell, so that proxies keep the connection and dead
/// listeners are found.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a listener does that missed something.
pub(crate) const RELOAD: Bytes = Bytes::from_static(b"event: reload\ndata: {}\n\n");
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// One that wants to be let in.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// Whether what is for operators is for this one.
    pub(crate) operator: bool,
    address: IpAddr,
    reply: oneshot::Sender<Feed>,
}

/// One listener.
#[derive(Debug)]
struct Watcher {
    operator: bool,
    address: IpAddr,
    events: mpsc::Sender<Bytes>,
    line: Line,
    /// Whether it missed something.
    behind: bool,
    /// Since when its queue is full.
    full: Option<Instant>,
}

/// Where listeners come in.
#[derive(Debug)]
pub(crate) struct Door(mpsc::Sender<Visitor>);

impl Door {
    /// A door, and the end at which listeners arrive.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Visitor>) {
        let (arrivals, receiver) = mpsc::channel(ARRIVALS);
        (Self(arrivals), receiver)
    }

    /// Lets one in; none when all seats are taken.
    pub(crate) async fn enter(&self, operator: bool, peer: IpAddr) -> Option<Feed> {
        let (reply, answer) = oneshot::channel();
        let visitor = Visitor {
            operator,
            address: neighbourhood(peer),
            reply,
        };
        let enter = async {
            self.0.send(visitor).await.ok()?;
            answer.await.ok()
        };
        timeout(WAIT, enter).await.ok().flatten()
    }
}

impl Watcher {
    /// Sends `message`, or notes that it was missed. False when the listener is gone, or let go.
    fn send(&mut self, message: &Bytes, now: Instant) -> bool {
        let message = if self.behind { &RELOAD } else { message };
        match self.events.try_send(message.clone()) {
            Ok(()) => (self.behind, self.full) = (false, None),
            Err(TrySendError::Full(_)) => {
                self.behind = true;
                return self.is_patient(now);
            }
            Err(TrySendError::Closed(_)) => return false,
        }
        true
    }

    /// Sends a sign of life. One with a full queue hears enough, if it hears.
    fn keep_alive(&mut self, now: Instant) -> bool {
        match self.events.try_send(COMMENT) {
            Ok(()) => self.full = None,
            Err(TrySendError::Full(_)) => return self.is_patient(now),
            Err(TrySendError::Closed(_)) => return false,
        }
        true
    }

    /// Whether its full queue may stay so for a while. Else its connection is given up, with all that waits for it:
    /// the seat alone would leave that in memory for as long as the peer likes.
    fn is_patient(&mut self, now: Instant) -> bool {
        let since = *self.full.get_or_insert(now);
        let is_stuck = now.duration_since(since) >= STUCK;
        if let Some(pulse) = self.line.get().filter(|_| is_stuck) {
            pulse.give_up();
        }
        !is_stuck
    }
}

/// All listeners.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Vec<Watcher>);

impl Watchers {
    /// Whether there is a seat for this one.
    pub(crate) fn has_room(&mut self, visitor: &Visitor) -> bool {
        let all = self.count();
        let limit = if visitor.address.is_loopback() {
            WATCHERS
        } else {
            WATCHERS_PER_ADDRESS
        };
        let beside = |watcher: &&Watcher| watcher.address == visitor.address;
        all < WATCHERS && self.0.iter().filter(beside).count() < limit
    }

    /// Lets one in with a first message, if there is a seat.
    pub(crate) fn admit(&mut self, visitor: Visitor, greeting: &Bytes) {
        if !self.has_room(&visitor) {
            return; // Without an answer it is told so.
        }
        let (events, receiver) = mpsc::channel(QUEUE);
        let line = Line::default();
        let mut watcher = Watcher {
            operator: visitor.operator,
            address: visitor.address,
            events,
            line: Arc::clone(&line),
            behind: false,
            full: None,
        };
        let is_told = watcher.send(greeting, Instant::now());
        if is_told && visitor.reply.send(Feed::new(receiver, line)).is_ok() {
            self.0.push(watcher);
        }
    }

    /// Sends a message to all, or to one audience.
    pub(crate) fn tell(&mut self, message: &Bytes, audience: Option<bool>) {
        self.tell_at(Instant::now(), message, audience);
    }

    fn tell_at(&mut self, now: Instant, message: &Bytes, audience: Option<bool>) {
        self.0.retain_mut(|watcher| {
            audience.is_some_and(|audience| audience != watcher.operator)
                || watcher.send(message, now)
        });
    }

    pub(crate) fn keep_alive(&mut self) {
        self.keep_alive_at(Instant::now());
    }

    fn keep_alive_at(&mut self, now: Instant) {
        self.0.retain_mut(|watcher| watcher.keep_alive(now));
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

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A door with its owner.
    struct House {
        door: Door,
        arrivals: mpsc::Receiver<Visitor>,
        watchers: Watchers,
    }

    impl House {
        fn new() -> Self {
            let (door, arrivals) = Door::new();
            Self {
                door,
                arrivals,
                watchers: Watchers::default(),
            }
        }

        async fn enter(&mut self, peer: IpAddr) -> Option<Feed> {
            let admit = async {
                let visitor = self.arrivals.recv().await.expect("an arrival");
                self.watchers.admit(visitor, &Bytes::from_static(b"hello"));
            };
            let (feed, ()) = tokio::join!(self.door.enter(false, peer), admit);
            feed
        }
    }

    #[tokio::test]
    async fn who_does_not_keep_up_is_told_to_load_anew_once() {
        let mut house = House::new();
        let mut feed = house.enter(HERE).await.expect("a free seat");
        for number in 0..20 {
            let message = Bytes::from(number.to_string());
            house.watchers.tell(&message, None);
        }
        let mut heard = Vec::new();
        while let Ok(message) = feed.events.try_recv() {
            heard.push(message);
        }
        assert_eq!(heard.len(), QUEUE);
        house.watchers.tell(&Bytes::from_static(b"20"), None);
        house.watchers.tell(&Bytes::from_static(b"21"), None);
        assert_eq!(feed.events.try_recv().ok(), Some(RELOAD));
        assert_eq!(feed.events.try_recv().ok(), Some(Bytes::from_static(b"21")));
        drop(feed);
        assert_eq!(house.watchers.count(), 0);
    }

    #[tokio::test]
    async fn who_takes_nothing_for_long_is_let_go_and_who_takes_something_stays() {
        for by_keeping_alive in [true, false] {
            let mut house = House::new();
            let _stuck = house.enter(HERE).await.expect("a free seat");
            let mut slow = house.enter(HERE).await.expect("a free seat");
            let begun = Instant::now();
            let mut at = begun;
            while at < begun + STUCK * 2 {
                at += Duration::from_secs(1);
                drop(slow.events.try_recv());
                if by_keeping_alive {
                    house.watchers.keep_alive_at(at);
                } else {
                    house.watchers.tell_at(at, &Bytes::from_static(b"x"), None);
                }
            }
            assert_eq!(house.watchers.count(), 1);
        }
    }

    #[tokio::test]
    async fn seats_are_limited_and_free_again() {
        let mut house = House::new();
        let mut feeds = Vec::new();
        for _ in 0..WATCHERS {
            feeds.push(house.enter(HERE).await.expect("a free seat"));
        }
        assert!(house.enter(HERE).await.is_none());
        feeds.pop();
        assert!(house.enter(HERE).await.is_some());
    }

    #[tokio::test]
    async fn one_address_does_not_take_the_seats_of_the_others() {
        let mut house = House::new();
        let mut feeds = Vec::new();
        for number in 0..WATCHERS_PER_ADDRESS {
            let peer = format!("2001:db8::{number:x}").parse().expect("an address");
            feeds.push(house.enter(peer).await.expect("a free seat"));
        }
        let same = "2001:db8::ffff:1".parse().expect("an address");
        assert!(house.enter(same).await.is_none());
        let other = "2001:db8:0:1::1".parse().expect("an address");
        assert!(house.enter(other).await.is_some());
        feeds.pop();
        assert!(house.enter(same).await.is_some());
    }
}
