//! Through a proxy that the configuration names: HTTP (CONNECT of RFC 9110, section 9.3.6, and addresses in full), in
//! the clear or by TLS, or SOCKS5 (RFC 1928, RFC 1929). One that only the environment names is never taken.

use ::http::header::{HeaderValue, PROXY_AUTHORIZATION};
use ::http::{Request, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::target::Target;
use crate::core::outcome::Outcome;
use crate::probe::address::{Address, Host};
use crate::probe::bounds::Named;
use crate::probe::env::Env;
use crate::probe::error::{self, Looked};
use crate::probe::tls::Own;
use crate::probe::trace::{Stage, Trace};
use crate::settings::{Secret, Section};

mod connect;
mod socks;
mod stream;

pub(super) use stream::Stream;

/// Where to go through, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Proxy {
    speaks: Speaks,
    address: Address,
    /// User and password.
    login: Option<(Secret, Secret)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http,
    /// The same, by TLS.
    Https,
    Socks5,
}

impl Proxy {
    /// Whom an answer is of that comes through it: `shop.example.org:80 through the proxy 192.0.2.7:3128`.
    pub(super) fn carries(&self, at: &str) -> String {
        format!("{at} through the proxy {}", self.address.text)
    }

    /// Reads `proxy`, which may have a password in it.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let text = section.secret("proxy")?;
        let proxy = Self::parse(text.expose());
        if proxy.is_none() {
            section.refuse(
                "proxy",
                "\"proxy\" is no address of a proxy",
                "write proxy = \"http://proxy.example.org:3128\", https://… or socks5://…, with user:password@ where it needs one",
            );
        }
        proxy
    }

    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (speaks, usual) = match uri.scheme_str()? {
            "http" => (Speaks::Http, 3128),
            "https" => (Speaks::Https, 443),
            "socks5" | "socks5h" => (Speaks::Socks5, 1080),
            _ => return None,
        };
        if !matches!(
            uri.path_and_query().map_or("", |path| path.as_str()),
            "" | "/"
        ) {
            return None;
        }
        let (login, place) = match uri.authority()?.as_str().rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, uri.authority()?.as_str()),
        };
        let bare = || Some(Address::new(Host::parse(place)?, usual));
        let address = Address::parse(place).or_else(bare)?;
        let plain = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().ok()?;
            // What a length of one byte can say (RFC 1929).
            (text.len() <= 255).then(|| Secret::new(text.as_ref()))
        };
        let login = match login {
            Some(login) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                Some((plain(user)?, plain(password)?))
            }
            None => None,
        };
        Some(Self {
            speaks,
            address,
            login,
        })
    }

    /// Whether what is in the clear is asked of the proxy itself, with its whole address.
    pub(super) fn is_asked_plainly(&self) -> bool {
        match self.speaks {
            Speaks::Http | Speaks::Https => true,
            Speaks::Socks5 => false,
        }
    }

    /// A way through it to `target`; `own` says whom a proxy's certificate may be from.
    pub(super) async fn connect(
        &self,
        target: &Target,
        own: &Own,
        env: &Env,
        trace: &mut Trace,
    ) -> Looked<Stream> {
        within_bounds(&target.address, env, trace).await?;
        let stream = self.address.connect(env, trace).await;
        let stream = stream.map_err(|outcome| through(&outcome))?;
        let mut stream = match self.speaks {
            Speaks::Http | Speaks::Socks5 => Stream::Plain(stream),
            Speaks::Https => {
                trace.enter(Stage::Proxy);
                let shaken = self.secure(stream, own, env).await;
                shaken.map_err(|outcome| through(&outcome))?
            }
        };
        let asked = match self.speaks {
            Speaks::Http | Speaks::Https if target.tls.is_none() => Ok(()),
            Speaks::Http | Speaks::Https => {
                trace.enter(Stage::Proxy);
                connect::ask(&mut stream, &target.address, self.credentials().as_deref()).await
            }
            Speaks::Socks5 => {
                trace.enter(Stage::Proxy);
                socks::ask(&mut stream, &target.address, self.login.as_ref()).await
            }
        };
        let at = &self.address.text;
        match asked {
            Ok(()) => Ok(stream),
            Err(Refusal::Broken(error)) => Err(through(&error::outcome(&error, at))),
            Err(Refusal::Said(why)) => Err(Outcome::fail(&format!("the proxy {at} {why}"))),
        }
    }

    async fn secure(&self, stream: TcpStream, own: &Own, env: &Env) -> Looked<Stream> {
        let name = match &self.address.host {
            Host::Ip(ip) => ServerName::IpAddress((*ip).into()),
            Host::Name(name) => {
                let bare = name.strip_suffix('.').unwrap_or(name).to_owned();
                ServerName::try_from(bare).map_err(|_| {
                    Outcome::fail(&format!("{name} is no name that a certificate can be for"))
                })?
            }
        };
        let at = &self.address.text;
        let shaken = env.tls.proxy_handshake(own, name, stream, at).await?;
        Ok(Stream::Secure(Box::new(shaken)))
    }

    /// Makes `request` one for the proxy, where that is asked itself.
    pub(super) fn address_to(&self, request: &mut Request<Full<Bytes>>, url: &str) -> Looked<()> {
        if !self.is_asked_plainly() {
            return Ok(());
        }
        let uri = url.parse();
        let cannot = |_| Outcome::unknown("the address cannot be asked of a proxy");
        *request.uri_mut() = uri.map_err(cannot)?;
        if let Some(credentials) = self.credentials() {
            let value = HeaderValue::try_from(credentials);
            let mut value = value.expect("base64 has no other characters than a header");
            value.set_sensitive(true);
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        Ok(())
    }

    fn credentials(&self) -> Option<String> {
        let (user, password) = self.login.as_ref()?;
        let both = format!("{}:{}", user.expose(), password.expose());
        Some(format!("Basic {}", STANDARD.encode(both)))
    }
}

/// Why there is no way through.
enum Refusal {
    Broken(std::io::Error),
    /// What the proxy says or does instead.
    Said(String),
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}

/// The same, said of the proxy.
fn through(outcome: &Outcome) -> Outcome {
    Outcome::new(
        outcome.verdict,
        &format!("the proxy: {}", outcome.message()),
    )
}

/// Whether a redirect may lead there: the proxy connects, and may stand where we do. A name that we cannot resolve
/// the proxy may be able to.
async fn within_bounds(address: &Address, env: &Env, trace: &mut Trace) -> Looked<()> {
    if address.named == Named::Us {
        return Ok(());
    }
    let home = |name: &str| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost")
    };
    let why = match &address.host {
        Host::Name(name) if home(name) => Some("an address of this host"),
        Host::Name(_) | Host::Ip(_) => {
            let all = address.resolve(env, trace).await.unwrap_or_default();
            let out = |ip| Named::Afar.out_of_bounds(ip, address.port, &env.own_ports);
            all.into_iter().find_map(out)
        }
    };
    match why {
        Some(why) => Err(address.out_of_bounds(why)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_by_an_address_with_or_without_a_password() {
        for (text, at, login) in [
            ("http://proxy.example:3128", "proxy.example:3128", None),
            ("http://proxy.example/", "proxy.example:3128", None),
            ("https://proxy.example", "proxy.example:443", None),
            ("socks5://[::1]:1080", "[::1]:1080", None),
            (
                "http://us%40er:p%3Aw@127.0.0.1:8",
                "127.0.0.1:8",
                Some(("us@er", "p:w")),
            ),
            (
                "socks5h://user@a.example",
                "a.example:1080",
                Some(("user", "")),
            ),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(&*proxy.address.text, at);
            let found = proxy.login.as_ref().map(|(u, p)| (u.expose(), p.expose()));
            assert_eq!(found, login);
            assert!(!format!("{proxy:?}").contains("p:w"), "{proxy:?}");
        }
        for text in ["", "proxy:3128", "http://a:0", "http://a/path", "ftp://a"] {
            assert_eq!(Proxy::parse(text), None, "{text}");
        }
    }
}
