//! Names to addresses, for looks and for mail. Who does not answer is told apart: the name's owner (fail), or
//! our resolver (unknown).
//!
//! Not the resolver of the C library: that one blocks a thread for as long as nobody answers, and those threads
//! are few and have other work.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use tokio::time::{Instant, timeout};

use crate::core::outcome::Outcome;
use crate::settings::Section;

/// The system's `resolv.conf` and `hosts` are read again when they were read longer ago than this, so that
/// a change of network is followed without a restart.
const REREAD: Duration = Duration::from_mins(1);
/// The longest that an answer is kept, whatever its TTL: a name that moved is followed within a few looks.
const KEEP: Duration = Duration::from_secs(30);
/// The longest that "there is no such name" is kept: it must not outlive the mistake by a look.
const KEEP_NEGATIVE: Duration = Duration::from_secs(1);
/// How long one name server is waited for before the next try; two tries fit a probe's usual 5 s.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long addresses of one family wait for those of the other (RFC 8305 names 50 ms for a local resolver).
const OTHER_FAMILY: Duration = Duration::from_millis(150);
/// Most addresses of a name that are tried.
const ADDRESSES: usize = 8;

/// Which addresses count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

impl Family {
    /// Reads `ip = "4"`, `"6"` or `"any"`.
    pub fn read(section: &mut Section<'_>) -> Self {
        match section.string("ip").as_deref() {
            None | Some("any") => Self::Any,
            Some("4") => Self::V4,
            Some("6") => Self::V6,
            Some(_) => {
                section.refuse(
                    "ip",
                    "\"ip\" names no family",
                    "write \"4\", \"6\" or \"any\"",
                );
                Self::Any
            }
        }
    }

    pub fn has(self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Any => "address",
            Self::V4 => "IPv4 address",
            Self::V6 => "IPv6 address",
        }
    }
}

/// The resolver, made when a name is first asked for. `localhost` never needs it.
#[derive(Default)]
pub struct Names {
    built: ArcSwapOption<Built>,
    name_server: Option<SocketAddr>,
}

struct Built {
    resolver: TokioResolver,
    at: Instant,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    /// Asks this name server, not those of the system.
    pub fn of(name_server: SocketAddr) -> Self {
        Self {
            built: ArcSwapOption::empty(),
            name_server: Some(name_server),
        }
    }

    /// The addresses of `name`, the ones to be tried first in front; never an empty list.
    ///
    /// # Errors
    /// What it means for a look that there are none, and in words that fit elsewhere, too.
    pub async fn resolve(&self, name: &str, family: Family) -> Result<Vec<IpAddr>, Outcome> {
        let found = if name.eq_ignore_ascii_case("localhost") {
            Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
        } else {
            let built = self.built().map_err(|e| explain(&e, name, family))?;
            let ask = |kind| lookup(&built.resolver, name, kind);
            match family {
                Family::V4 => ask(RecordType::A).await,
                Family::V6 => ask(RecordType::AAAA).await,
                Family::Any => both(ask(RecordType::AAAA), ask(RecordType::A)).await,
            }
        };
        let mut addresses = found.map_err(|error| explain(&error, name, family))?;
        addresses.retain(|ip| family.has(*ip));
        addresses.truncate(ADDRESSES);
        if addresses.is_empty() {
            return Err(no_address(name, family));
        }
        Ok(addresses)
    }

    /// The resolver, built anew when it is old. Two looks at once may both build one; the later stays.
    fn built(&self) -> Result<Arc<Built>, NetError> {
        if let Some(built) = self.built.load_full()
            && (self.name_server.is_some() || built.at.elapsed() < REREAD)
        {
            return Ok(built);
        }
        let mut builder = match self.name_server {
            None => TokioResolver::builder_tokio()?,
            Some(address) => {
                let mut connection = ConnectionConfig::udp();
                connection.port = address.port();
                let server = NameServerConfig::new(address.ip(), true, vec![connection]);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 2;
        options.positive_max_ttl = Some(KEEP);
        options.negative_max_ttl = Some(KEEP_NEGATIVE);
        let built = Arc::new(Built {
            resolver: builder.build()?,
            at: Instant::now(),
        });
        self.built.store(Some(Arc::clone(&built)));
        Ok(built)
    }
}

type Found = Result<Vec<IpAddr>, NetError>;

async fn lookup(resolver: &TokioResolver, name: &str, kind: RecordType) -> Found {
    let answer = resolver.lookup(name, kind).await?;
    let addresses = answer.answers().iter();
    Ok(addresses
        .filter_map(|record| record.data.ip_addr())
        .collect())
}

/// Asks for both families at once; when one is there, the other is waited for only a moment.
async fn both(six: impl Future<Output = Found>, four: impl Future<Output = Found>) -> Found {
    let (mut six, mut four) = (pin!(six), pin!(four));
    let (six, four) = tokio::select! {
        first = &mut six => {
            let second = second(&first, four).await;
            (first, second)
        }
        first = &mut four => {
            let second = second(&first, six).await;
            (second, first)
        }
    };
    match (six, four) {
        (Ok(six), Ok(four)) => Ok(interleave(six, four)),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) if !one.is_empty() => Ok(one),
        (Ok(_), Err(error)) | (Err(error), Ok(_) | Err(_)) => Err(error),
    }
}

async fn second(first: &Found, second: impl Future<Output = Found>) -> Found {
    if first.as_ref().is_ok_and(|found| !found.is_empty()) {
        return timeout(OTHER_FAMILY, second)
            .await
            .unwrap_or_else(|_| Ok(Vec::new()));
    }
    second.await
}

/// The families by turns, IPv6 first (RFC 8305), so that a dead family costs one try.
fn interleave(six: Vec<IpAddr>, four: Vec<IpAddr>) -> Vec<IpAddr> {
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(six.next());
        all.extend(four.next());
        if all.len() == before {
            return all;
        }
    }
}

fn no_address(name: &str, family: Family) -> Outcome {
    Outcome::fail(&format!("name {name} has no {}", family.word()))
}

/// A name that does not exist is the target's fault; a resolver that does not answer, or not us, is ours.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "foreign enums that are not exhaustive; what is not listed is told as it is, as our trouble"
)]
fn explain(error: &NetError, name: &str, family: Family) -> Outcome {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NoError => no_address(name, family),
            ResponseCode::NXDomain => Outcome::fail(&format!("name {name} not found (NXDOMAIN)")),
            ResponseCode::Refused => refused(),
            code => answered(name, code),
        },
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => refused(),
        NetError::Dns(DnsError::ResponseCode(code)) => answered(name, *code),
        NetError::Timeout | NetError::NoConnections => {
            Outcome::unknown("the resolver does not answer; look at /etc/resolv.conf")
        }
        NetError::Proto(_) => Outcome::fail(&format!("{name} is not a name that DNS can look up")),
        other => Outcome::unknown(&format!("the resolver cannot be asked: {other}")),
    }
}

fn answered(name: &str, code: ResponseCode) -> Outcome {
    let word = if code == ResponseCode::ServFail {
        "SERVFAIL".to_owned()
    } else {
        code.to_string()
    };
    Outcome::fail(&format!("name {name} cannot be resolved ({word})"))
}

fn refused() -> Outcome {
    Outcome::unknown("the resolver refuses to answer us (REFUSED); look at /etc/resolv.conf")
}
