//! One conversation with a mail server, from the greeting to the reply to the final dot.
//!
//! Every step returns what it was for, or what became of the attempt.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::login::{hide, plain, stepwise};
use super::settings::{Login, Security};
use super::wire::{DOT, Duplex, Reply, Wire, broken, stuffed};
use super::{Deadlines, Delay, Delivered, Letter, Settings, Way};
use crate::core::text;
use crate::names::Family;

/// Most addresses of a name that are tried, so that each gets a fair share of the deadline.
const ADDRESSES: usize = 4;
/// How long saying goodbye may hold up the news that the mail was taken.
const GOODBYE: Duration = Duration::from_secs(1);

/// How long a server that speaks out of turn, or that does not take more, is listened to: what it says is on
/// its way already.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A conversation under way.
struct Session<'a> {
    wire: Wire,
    settings: &'a Settings,
    deadlines: &'a Deadlines,
    /// What we call ourselves: the address that we come from, as RFC 5321 section 4.1.3 has it for those
    /// that have no name in the DNS.
    hello: String,
    /// Whether nobody in between can listen: TLS, or this machine's own address.
    private: bool,
    offers: Offers,
}

/// What the server said to EHLO: the keywords, and each way to log in as `AUTH PLAIN`.
#[derive(Default)]
struct Offers(BTreeSet<String>);

/// Carries `letter` to the server. The error is what became of it, too.
pub(super) async fn run(
    way: Way<'_>,
    letter: Letter<'_>,
    before_content: impl Future<Output = bool> + Send,
) -> Result<Delivered, Delivered> {
    let mut session = Session::open(way).await?;
    let delivered = match session.prepare(letter).await {
        Ok(()) => session.hand_over(letter.bytes, before_content).await,
        Err(delivered) => delivered,
    };
    // Where the server still listens it hears a goodbye; its answer is not waited for.
    if !matches!(delivered, Delivered::Withheld | Delivered::Deferred { .. }) {
        session.wire.send(b"QUIT\r\n", GOODBYE).await.ok();
    }
    Ok(delivered)
}

impl<'a> Session<'a> {
    /// Connects, and gets as far as a protected EHLO.
    async fn open(way: Way<'a>) -> Result<Self, Delivered> {
        let stream = connect(way).await?;
        let Way {
            settings,
            deadlines,
            ..
        } = way;
        let own = |address: SocketAddr| address.ip().is_loopback();
        let near = stream.peer_addr().is_ok_and(own);
        let mut session = Self {
            hello: literal(stream.local_addr().ok()),
            wire: Wire::new(stream),
            settings,
            deadlines,
            private: near,
            offers: Offers::default(),
        };
        if settings.security == Security::Implicit {
            session = session.protect("TLS").await?;
        }
        let greeting = session.wire.reply(deadlines.verb).await;
        expect("greeting", greeting, 220..=220)?;
        session.ehlo().await?;
        let upgrade = match settings.security {
            Security::Implicit => false,
            Security::Required => true,
            Security::Offered => session.offers.has("STARTTLS") && !near,
        };
        if upgrade {
            if !session.offers.has("STARTTLS") {
                return Err(Delivered::RelayRefused {
                    reply: "STARTTLS: not offered, and nothing is sent without it".to_owned(),
                });
            }
            session.ask("STARTTLS", "STARTTLS", 220..=220).await?;
            session = session.protect("STARTTLS").await?;
            session.ehlo().await?;
        }
        Ok(session)
    }

    /// Puts TLS on the connection.
    async fn protect(mut self, verb: &str) -> Result<Self, Delivered> {
        let refused = |why: &str| Delivered::RelayRefused {
            reply: text::line(&format!("{verb}: {why}"), text::MESSAGE_CHARS),
        };
        let name = ServerName::try_from(self.settings.host.clone())
            .map_err(|_| refused("the host is no name that a certificate can have"))?;
        let stream = self
            .wire
            .into_stream()
            .ok_or_else(|| refused("the server said more before it was protected"))?;
        let connector = TlsConnector::from(self.settings.tls.clone());
        let protecting = connector.connect(name, stream);
        let stream: Box<dyn Duplex> = match timeout(self.deadlines.connect, protecting).await {
            Ok(Ok(stream)) => Box::new(stream),
            // What TLS itself has against the server; a connection that ends is only trouble.
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => {
                return Err(refused(&error.to_string()));
            }
            Ok(Err(error)) => return Err(cut(verb, &broken(&error))),
            Err(_) => return Err(cut(verb, "no handshake in time")),
        };
        self.wire = Wire::new(stream);
        self.private = true;
        Ok(self)
    }

    async fn ehlo(&mut self) -> Result<(), Delivered> {
        let hello = format!("EHLO {}", self.hello);
        let reply = self.ask("EHLO", &hello, 250..=250).await?;
        self.offers = Offers::read(&reply);
        Ok(())
    }

    /// Everything before the content: login, envelope, DATA.
    async fn prepare(&mut self, letter: Letter<'_>) -> Result<(), Delivered> {
        if let Some(login) = &self.settings.login {
            self.log_in(login).await?;
        }
        let (from, to): (&str, &str) = (letter.from.as_ref(), letter.to.as_ref());
        let international = !from.is_ascii() || !to.is_ascii();
        if international && !self.offers.has("SMTPUTF8") {
            return Err(Delivered::RelayRefused {
                reply: "MAIL: the server does not take addresses outside of ASCII".to_owned(),
            });
        }
        let utf8 = if international { " SMTPUTF8" } else { "" };
        let mail = format!("MAIL FROM:<{from}>{utf8}");
        self.ask("MAIL", &mail, 250..=250).await?;
        self.rcpt(to).await?;
        self.ask("DATA", "DATA", 354..=354).await?;
        if self.wire.has_spoken().await {
            return Err(self.spoken(None).await);
        }
        Ok(())
    }

    async fn rcpt(&mut self, to: &str) -> Result<(), Delivered> {
        let reply = self.talk("RCPT", &format!("RCPT TO:<{to}>")).await?;
        if (250..=252).contains(&reply.code) {
            return Ok(());
        }
        if reply.code >= 500 && !is_about_us(&reply) {
            return Err(Delivered::Refused {
                reply: said("RCPT", &reply),
            });
        }
        Err(unwelcome("RCPT", &reply))
    }

    /// The content, once the caller wants it to leave, and what the server says of it.
    async fn hand_over(
        &mut self,
        content: &[u8],
        before_content: impl Future<Output = bool> + Send,
    ) -> Delivered {
        if !before_content.await {
            return Delivered::Withheld;
        }
        let content = stuffed(content);
        let within = self.deadlines.content(content.len());
        // Up to the dot it is certain that nothing was taken; after it, it is not.
        if let Err(trouble) = self.wire.send(&content, within).await {
            return self.spoken(Some(trouble)).await;
        }
        // What is there already is no reply to the dot, and would be taken for one.
        tokio::task::yield_now().await;
        if self.wire.has_spoken().await {
            return self.spoken(None).await;
        }
        let ambiguous = |trouble: &str| Delivered::Deferred {
            reply: text::line(
                &format!("after the content: {trouble}"),
                text::MESSAGE_CHARS,
            ),
            why: Delay::Ambiguous,
        };
        if let Err(trouble) = self.wire.send(DOT, self.deadlines.verb).await {
            return ambiguous(&trouble);
        }
        match self.wire.reply(self.deadlines.reply).await {
            Ok(reply) => match reply.code {
                250..=259 => Delivered::Accepted {
                    reply: reply.text(),
                },
                400..=499 => unwelcome("content", &reply),
                500..=599 => Delivered::Refused {
                    reply: said("content", &reply),
                },
                _ => ambiguous(&reply.text()),
            },
            Err(trouble) => ambiguous(&trouble),
        }
    }

    /// What it means that the server speaks, or is gone, while the content or the dot is still with us: nothing
    /// was taken. If it says no it means so. `trouble` is what sending came to, if that went wrong.
    async fn spoken(&mut self, trouble: Option<String>) -> Delivered {
        match self.wire.reply(LAST_WORDS).await {
            Ok(reply) if reply.code >= 500 => Delivered::Refused {
                reply: said("content", &reply),
            },
            Ok(reply) if reply.code >= 400 => unwelcome("content", &reply),
            Ok(_) => cut("content", "said more than it was asked"),
            Err(silence) => cut("content", &trouble.unwrap_or(silence)),
        }
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), Delivered> {
        let refused = |reply: &str| Delivered::RelayRefused {
            reply: reply.to_owned(),
        };
        if !self.private {
            return Err(refused(
                "AUTH: the password would travel unprotected; write smtp+starttls:// or smtps://",
            ));
        }
        let lines = match (self.offers.has("AUTH PLAIN"), self.offers.has("AUTH LOGIN")) {
            (true, _) => plain(login),
            (false, true) => stepwise(login),
            (false, false) => None,
        };
        let lines = lines.ok_or_else(|| refused("AUTH: neither PLAIN nor LOGIN is offered"))?;
        let last = lines.len() - 1;
        for (number, line) in lines.iter().enumerate() {
            let code = if number == last { 235 } else { 334 };
            let reply = self.talk("AUTH", line).await?;
            if reply.code != code {
                return Err(unwelcome("AUTH", &hide(reply, login, &lines)));
            }
        }
        Ok(())
    }

    /// Sends a command and reads whatever reply there is.
    async fn talk(&mut self, verb: &str, command: &str) -> Result<Reply, Delivered> {
        let command = format!("{}\r\n", command.trim_end());
        let reply = self.wire.ask(&command, self.deadlines.verb).await;
        reply.map_err(|trouble| cut(verb, &trouble))
    }

    /// Sends a command that needs one of these codes to go on.
    async fn ask(
        &mut self,
        verb: &str,
        command: &str,
        good: RangeInclusive<u16>,
    ) -> Result<Reply, Delivered> {
        let reply = self.talk(verb, command).await?;
        expect(verb, Ok(reply), good)
    }
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = BTreeSet::new();
        for line in reply.lines.iter().skip(1) {
            // Some servers of old write `AUTH=LOGIN`.
            let line = line.to_ascii_uppercase().replace('=', " ");
            let mut words = line.split_ascii_whitespace();
            let Some(keyword) = words.next() else {
                continue;
            };
            offers.insert(keyword.to_owned());
            offers.extend(words.map(|word| format!("{keyword} {word}")));
        }
        Self(offers)
    }

    fn has(&self, offer: &str) -> bool {
        self.0.contains(offer)
    }
}

/// A connection to one of the addresses of the server's name.
async fn connect(way: Way<'_>) -> Result<TcpStream, Delivered> {
    let (settings, within) = (way.settings, way.deadlines.connect);
    let lookup = async {
        match settings.host.parse() {
            Ok(ip) => Ok(vec![ip]),
            Err(_) => way.names.resolve(&settings.host, Family::Any).await,
        }
    };
    let addresses: Vec<IpAddr> = match timeout(within, lookup).await {
        Ok(Ok(found)) => found.into_iter().take(ADDRESSES).collect(),
        Ok(Err(none)) => return Err(cut("lookup", &none.message())),
        Err(_) => return Err(cut("lookup", "the name was not resolved in time")),
    };
    let share = within / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut trouble = "the name has no address".to_owned();
    for address in addresses {
        match timeout(share, TcpStream::connect((address, settings.port))).await {
            Ok(Ok(stream)) => {
                // Commands are short and each waits for its answer. Without it they are only slower.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Ok(Err(error)) => trouble = broken(&error),
            Err(_) => "no answer in time".clone_into(&mut trouble),
        }
    }
    Err(cut("connect", &trouble))
}

/// An address as EHLO wants it: `[192.0.2.7]`, `[IPv6:2001:db8::7]`.
fn literal(address: Option<SocketAddr>) -> String {
    match address {
        Some(SocketAddr::V4(v4)) => format!("[{}]", v4.ip()),
        Some(SocketAddr::V6(v6)) => format!("[IPv6:{}]", v6.ip()),
        None => "[127.0.0.1]".to_owned(),
    }
}

/// The reply, if it came and has one of these codes.
fn expect(
    verb: &str,
    reply: Result<Reply, String>,
    good: RangeInclusive<u16>,
) -> Result<Reply, Delivered> {
    match reply {
        Ok(reply) if good.contains(&reply.code) => Ok(reply),
        Ok(reply) => Err(unwelcome(verb, &reply)),
        Err(trouble) => Err(cut(verb, &trouble)),
    }
}

/// What a reply means that says no, in general: 5xx is for ever and about the relay, all else is for now.
fn unwelcome(verb: &str, reply: &Reply) -> Delivered {
    let text = said(verb, reply);
    match reply.code {
        500..=599 => Delivered::RelayRefused { reply: text },
        400..=499 => Delivered::Deferred {
            reply: text,
            why: Delay::Said,
        },
        _ => Delivered::Deferred {
            reply: text,
            why: Delay::Broken,
        },
    }
}

/// Whether a no to a recipient is not about the recipient: "relaying denied", "log in first" and the like.
/// Where the server gives no status and no telling code ("550 relay not permitted") it is taken at its word.
fn is_about_us(reply: &Reply) -> bool {
    match reply.status() {
        // Subjects 1 and 2 are addresses and mailboxes; of them, 5.1.7 and 5.1.8 mean the sender's.
        Some((1, detail)) => matches!(detail, 7 | 8),
        Some((subject, _)) => subject != 2,
        None => matches!(reply.code, 500 | 502..=504 | 530),
    }
}

fn said(verb: &str, reply: &Reply) -> String {
    text::line(&format!("{verb}: {}", reply.text()), text::MESSAGE_CHARS)
}

/// The conversation ended before the dot.
fn cut(verb: &str, trouble: &str) -> Delivered {
    Delivered::Deferred {
        reply: text::line(&format!("{verb}: {trouble}"), text::MESSAGE_CHARS),
        why: Delay::Broken,
    }
}
