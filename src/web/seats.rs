//! Who is connected to one listener: the places, and who has to leave when there is none left.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use tokio::task::{AbortHandle, Id};

use super::limits::Limits;
use super::pulse::Pulse;
use super::unsent::Budget;

/// One connection.
struct Seat {
    address: IpAddr,
    pulse: Arc<Pulse>,
    task: AbortHandle,
}

/// One address, while it has connections.
struct Neighbour {
    connections: usize,
    /// What may wait to be taken by all of them.
    unsent: Budget,
}

/// All connections of a listener. Owned by whoever accepts.
pub(super) struct Seats {
    limits: Limits,
    taken: HashMap<Id, Seat>,
    addresses: HashMap<IpAddr, Neighbour>,
    unsent: Budget,
}

impl Seats {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            taken: HashMap::new(),
            addresses: HashMap::new(),
            unsent: Budget::new(limits.unsent),
        }
    }

    /// What may wait to be taken: by all, and by the connections of `address`, which is about to sit down.
    pub(super) fn budgets(&mut self, address: IpAddr) -> [Budget; 2] {
        let limits = self.limits;
        let neighbour = self.addresses.entry(address).or_insert_with(|| Neighbour {
            connections: 0,
            unsent: Budget::new(if address.is_loopback() {
                limits.unsent
            } else {
                limits.unsent_per_address
            }),
        });
        [self.unsent.clone(), neighbour.unsent.clone()]
    }

    /// Makes room for a connection from `address`: when there is none, whoever only holds a place has to
    /// go, those that never asked for anything first, then the longest idle. So a crowd of silent
    /// connections does not lock anybody out. False when everybody there is being served.
    pub(super) fn make_room(&mut self, address: IpAddr) -> bool {
        let limit = if address.is_loopback() {
            self.limits.per_loopback
        } else {
            self.limits.per_address
        };
        let here = self.addresses.get(&address);
        let here = here.map_or(0, |neighbour| neighbour.connections);
        if here >= limit && !self.evict(Some(address)) {
            return false;
        }
        self.taken.len() < self.limits.connections || self.evict(None)
    }

    /// Ends the connection that waits the longest, of `address` or of all.
    fn evict(&mut self, address: Option<IpAddr>) -> bool {
        let waiting = self.taken.iter().filter_map(|(&id, seat)| {
            let counts = address.is_none_or(|address| address == seat.address);
            let waits = seat.pulse.waiting().filter(|_| counts)?;
            Some((waits, id))
        });
        let longest = waiting.min_by_key(|&(waits, _)| waits).map(|(_, id)| id);
        longest.is_some_and(|id| self.remove(id, true))
    }

    /// Takes a place, after [`Seats::budgets`].
    pub(super) fn sit(&mut self, address: IpAddr, pulse: Arc<Pulse>, task: AbortHandle) {
        if let Some(neighbour) = self.addresses.get_mut(&address) {
            neighbour.connections += 1;
        }
        let seat = Seat {
            address,
            pulse,
            task,
        };
        self.taken.insert(seat.task.id(), seat);
    }

    /// A connection has ended.
    pub(super) fn leave(&mut self, id: Id) {
        self.remove(id, false);
    }

    /// Ends the connections that have used up their time.
    pub(super) fn sweep(&mut self) {
        let limits = self.limits;
        let over = self
            .taken
            .iter()
            .filter(|(_, seat)| seat.pulse.is_over(&limits));
        let over: Vec<Id> = over.map(|(&id, _)| id).collect();
        for id in over {
            self.remove(id, true);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    fn remove(&mut self, id: Id, end: bool) -> bool {
        let Some(seat) = self.taken.remove(&id) else {
            return false;
        };
        if end {
            seat.task.abort();
        }
        if let Some(neighbour) = self.addresses.get_mut(&seat.address) {
            neighbour.connections -= 1;
            if neighbour.connections == 0 {
                self.addresses.remove(&seat.address);
            }
        }
        true
    }
}

/// What counts as one address: an IPv4 address, also written as IPv6; of IPv6 the /64 that one customer gets.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other,
    }
}
