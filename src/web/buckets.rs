//! How many pings are taken: a token bucket each per heartbeat, per address, per address that asks for heartbeats that
//! there are not, and for all. Kept as the time at which a bucket will be full again (GCRA, ITU-T I.371), which is one
//! number each: no locks, and no memory but what is taken at the start.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::seats::neighbourhood;
use crate::config::{Rate, Rates};
use crate::core::check::CheckId;
use crate::core::time::Time;

/// How long a bucket takes to fill: so much of its rate may come at once.
const BURST: Duration = Duration::from_secs(10);
/// Buckets of heartbeats, by their numbers; beyond it two share one.
const HEARTBEATS: usize = 1 << 16;
/// Buckets of addresses, by a hash that nobody outside can know; those that meet in one share it.
const ADDRESSES: usize = 1 << 14;

/// All of them.
#[derive(Debug)]
pub struct Buckets {
    /// Nanoseconds between two; zero where there is no limit.
    intervals: [AtomicU64; 4],
    heartbeats: Box<[Bucket]>,
    addresses: Box<[Bucket]>,
    strangers: Box<[Bucket]>,
    all: Bucket,
    hash: RandomState,
}

/// When it will be full, in nanoseconds since 1970.
#[derive(Debug, Default)]
struct Bucket(AtomicU64);

/// Which of the rates.
#[derive(Clone, Copy)]
enum Kind {
    Heartbeat,
    Address,
    Unknown,
    Total,
}

impl Buckets {
    pub fn new(rates: &Rates) -> Self {
        let many = |count| (0..count).map(|_| Bucket::default()).collect();
        let buckets = Self {
            intervals: Default::default(),
            heartbeats: many(HEARTBEATS),
            addresses: many(ADDRESSES),
            strangers: many(ADDRESSES),
            all: Bucket::default(),
            hash: RandomState::new(),
        };
        buckets.set(rates);
        buckets
    }

    /// Takes over other rates; what the buckets hold stays.
    pub fn set(&self, rates: &Rates) {
        let all = [rates.heartbeat, rates.address, rates.unknown, rates.total];
        for (interval, rate) in self.intervals.iter().zip(all) {
            interval.store(
                rate.map_or(0, |rate| nanos(Rate::interval(rate))),
                Ordering::Relaxed,
            );
        }
    }

    /// Takes a ping from `peer`, for a heartbeat, or for one that is yet to be made. The error: after how many
    /// seconds to come again.
    pub fn take(&self, now: Time, peer: IpAddr, check: Option<CheckId>) -> Result<(), u64> {
        if let Some(check) = check {
            let bucket = place(&self.heartbeats, u64::from(check.0));
            self.draw(Kind::Heartbeat, bucket, now)?;
        }
        let address = neighbourhood(peer);
        // A reverse proxy, or the jobs of this machine.
        if !address.is_loopback() {
            let bucket = place(&self.addresses, self.hash.hash_one(address));
            self.draw(Kind::Address, bucket, now)?;
        }
        self.draw(Kind::Total, Some(&self.all), now)
    }

    /// Takes a question of `peer` for a heartbeat that there is not.
    pub fn take_unknown(&self, now: Time, peer: IpAddr) -> Result<(), u64> {
        let address = neighbourhood(peer);
        // All strangers of a reverse proxy would be one.
        if address.is_loopback() {
            return Ok(());
        }
        let hash = self.hash.hash_one(address);
        self.draw(Kind::Unknown, place(&self.strangers, hash), now)
    }

    fn draw(&self, kind: Kind, bucket: Option<&Bucket>, now: Time) -> Result<(), u64> {
        let interval = self.intervals[kind as usize].load(Ordering::Relaxed);
        match bucket {
            Some(bucket) if interval > 0 => bucket.draw(now, interval),
            Some(_) | None => Ok(()),
        }
    }
}

impl Bucket {
    /// Draws one token; a bucket that is never touched is full.
    fn draw(&self, now: Time, interval: u64) -> Result<(), u64> {
        let now = u64::try_from(now.millis()).unwrap_or_default() * 1_000_000;
        // Even a rate of one an hour lets one through.
        let room = nanos(BURST).max(interval);
        let drawn = |full: u64| {
            // Never that far: the clock was set back, or the rate was another. Begin anew.
            let full = if full > now + room {
                now
            } else {
                full.max(now)
            };
            (full + interval <= now + room).then_some(full + interval)
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.0.fetch_update(set, fetch, drawn).map_or_else(
            |full| {
                Err((full + interval - room - now)
                    .div_ceil(1_000_000_000)
                    .max(1))
            },
            |_| Ok(()),
        )
    }
}

fn place(buckets: &[Bucket], number: u64) -> Option<&Bucket> {
    let count = u64::try_from(buckets.len()).unwrap_or(u64::MAX);
    usize::try_from(number % count)
        .ok()
        .and_then(|place| buckets.get(place))
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(millis: i64) -> Time {
        Time::from_millis(1_795_435_200_000 + millis)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// How many are taken of a thousand that come at once.
    fn of_a_thousand(mut take: impl FnMut() -> bool) -> usize {
        (0..1_000).filter(|_| take()).count()
    }

    #[test]
    fn a_heartbeat_has_a_burst_and_then_its_rate() {
        let buckets = Buckets::new(&Rates::default());
        let (one, other) = (Some(CheckId(7)), Some(CheckId(8)));
        let taken = of_a_thousand(|| buckets.take(at(0), HERE, one).is_ok());
        assert_eq!(taken, 1_000, "100 a second for ten seconds");
        assert_eq!(buckets.take(at(0), HERE, one), Err(1));
        assert_eq!(
            buckets.take(at(0), HERE, other),
            Ok(()),
            "others have their own"
        );
        assert_eq!(buckets.take(at(9), HERE, one), Err(1));
        assert_eq!(buckets.take(at(10), HERE, one), Ok(()), "one more in 10 ms");
        let later = of_a_thousand(|| buckets.take(at(3_600_000), HERE, one).is_ok());
        assert_eq!(later, 1_000, "it does not save up more");
        assert_eq!(buckets.take(at(3_600_000), HERE, one), Err(1));
    }

    #[test]
    fn whoever_is_refused_is_told_when_to_come_again() {
        let buckets = Buckets::new(&Rates {
            heartbeat: None,
            ..Rates::default()
        });
        let wide = Bucket::default();
        let hour = 3_600_000_000_000;
        assert_eq!(wide.draw(at(0), hour), Ok(()));
        assert_eq!(wide.draw(at(600_000), hour), Err(3_000));
        assert_eq!(wide.draw(at(3_599_999), hour), Err(1));
        assert_eq!(wide.draw(at(3_600_000), hour), Ok(()));
        let taken = of_a_thousand(|| buckets.take(at(0), HERE, Some(CheckId(7))).is_ok());
        assert_eq!(taken, 1_000, "off is off");
    }

    #[test]
    fn an_address_is_a_neighbourhood_and_this_machine_is_none() {
        let few = Rates {
            address: Rates::default().unknown,
            ..Rates::OFF
        };
        let buckets = Buckets::new(&few);
        let from = |text: &str| of_a_thousand(|| buckets.take(at(0), address(text), None).is_ok());
        assert_eq!(from("2001:db8::1"), 100);
        assert_eq!(from("2001:db8::2"), 0, "the same /64");
        assert_eq!(from("127.0.0.1"), 1_000);
    }

    #[test]
    fn who_asks_for_what_there_is_not_gets_far_fewer() {
        let buckets = Buckets::new(&Rates::default());
        let taken = of_a_thousand(|| buckets.take_unknown(at(0), address("192.0.2.1")).is_ok());
        assert_eq!(taken, 100);
        let known = buckets.take(at(0), address("192.0.2.1"), Some(CheckId(1)));
        assert_eq!(
            known,
            Ok(()),
            "what it may say to known ones is not used up"
        );
    }

    #[test]
    fn all_together_have_a_limit_and_a_clock_that_is_set_back_locks_nobody_out() {
        let total = Rates {
            total: Rates::default().unknown,
            ..Rates::OFF
        };
        let buckets = Buckets::new(&total);
        let mut number = 0;
        let mut anybody = |now| {
            number += 1;
            buckets.take(now, HERE, Some(CheckId(number))).is_ok()
        };
        assert_eq!(of_a_thousand(|| anybody(at(3_600_000))), 100);
        assert_eq!(of_a_thousand(|| anybody(at(0))), 100);
        buckets.set(&Rates::OFF);
        assert_eq!(of_a_thousand(|| anybody(at(0))), 1_000);
    }
}
