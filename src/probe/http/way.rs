//! The way to a page: by which protocol, through which proxy, with which TLS.

use ::http::{StatusCode, Version};
use toml::de::DeValue;

use super::Settings;
use super::body::Keep;
use super::exchange::{Answer, exchange};
use super::follow::Stop;
use super::oauth::Grant;
use super::proxy::{Proxy, Stream};
use super::target::Target;
use super::two;
use crate::core::outcome::Outcome;
use crate::probe::bounds::Named;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::tls::{Ends, Heard, Own};
use crate::probe::trace::{Stage, Trace};
use crate::settings::Section;

/// What is known of the connection, where not all is as usual.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    /// The version that must be spoken; none for what HTTP/1.1 makes of it.
    pub(super) version: Option<Version>,
    proxy: Option<Proxy>,
    tls: Own,
}

impl Way {
    /// Reads `version`, `proxy`, and what is said of TLS; none where all is as usual.
    pub(super) fn read(
        section: &mut Section<'_>,
        target: Option<&Target>,
        grant: Option<&Grant>,
    ) -> Option<Self> {
        let version = section.choice("version", &["1.1", "2"]);
        let proxy = Proxy::read(section);
        let tls = Own::read(section, (version == Some("2")).then_some(b"h2"));
        let in_the_clear = target.is_some_and(|target| target.tls.is_none());
        if in_the_clear {
            refuse_tls(section, grant.is_some_and(Grant::is_secure));
        }
        if in_the_clear
            && version == Some("2")
            && proxy.as_ref().is_some_and(Proxy::is_asked_plainly)
        {
            let message = "HTTP/2 in the clear does not go through this proxy";
            section.refuse(
                "version",
                message,
                "write an https:// address, or a socks5:// proxy",
            );
        }
        let version = version.map(|text| match text {
            "2" => Version::HTTP_2,
            _ => Version::HTTP_11,
        });
        let is_usual = version.is_none() && proxy.is_none() && tls == Own::default();
        (!is_usual).then_some(Self {
            version,
            proxy,
            tls,
        })
    }

    /// Connects, asks and reads the answer.
    async fn send(
        &self,
        (settings, stop): (&Settings, &mut Stop),
        (keep, is_way): (Keep, impl Fn(StatusCode) -> bool),
        env: &Env,
        trace: &mut Trace,
        ends: &mut Option<Ends>,
    ) -> Looked<Answer> {
        let mut request = stop.request();
        let target = &mut stop.target;
        // What the configuration names is meant to know us: the page, and where its tokens come from.
        let is_home = target.is_beside(&settings.target);
        let knows_us = is_home || target.address.named == Named::Us;
        let (stream, by) = if let Some(proxy) = &self.proxy {
            let stream = proxy.connect(target, &self.tls, env, trace).await?;
            // Whom a proxy has connected us with cannot be seen.
            (stream, Named::Afar)
        } else {
            let stream = target.address.connect(env, trace).await?;
            let by = Named::by(&stream);
            (Stream::Plain(stream), by)
        };
        target.address.named = target.address.named.max(by);
        let at = &*target.address.text;
        let is_two = self.version == Some(Version::HTTP_2);
        let Some(name) = target.tls.clone() else {
            // It is the proxy that answers then, and who is to blame cannot be told.
            let through = self.proxy.as_ref().map(|proxy| proxy.carries(at));
            if let Some(proxy) = &self.proxy {
                proxy.address_to(&mut request, &target.url())?;
            }
            let at = through.as_deref().unwrap_or(at);
            return if is_two {
                two::exchange(stream, ("http", request), keep, is_way, (trace, at)).await
            } else {
                exchange(stream, request, keep, is_way, (trace, at)).await
            };
        };
        trace.enter(Stage::Tls);
        let shaken = env.tls.own_handshake(&self.tls, knows_us, name, stream, at);
        let (stream, here) = shaken.await?;
        if settings.wants_ends(here.as_ref().and_then(|here| here.stapled)) {
            *ends = [ends.take(), here]
                .into_iter()
                .flatten()
                .reduce(Ends::sooner);
        }
        let tls = stream.get_ref().1;
        if is_home {
            self.tls.is_pinned(tls.peer_certificates(), at, trace)?;
        }
        if is_two && tls.alpn_protocol() != Some(b"h2") {
            let text = format!("{at} does not speak HTTP/2 (it did not take h2 by ALPN)");
            return Err(Outcome::fail(&text));
        }
        if is_two {
            two::exchange(stream, ("https", request), keep, is_way, (trace, at)).await
        } else {
            exchange(stream, request, keep, is_way, (trace, at)).await
        }
    }
}

/// Refuses what says something of a certificate that an `http://` address does not have. What holds for the address
/// of tokens, too, has a meaning where that `has_tls`.
fn refuse_tls(section: &Section<'_>, has_tls: bool) {
    let verify = section.value_of("verify");
    let unverified = verify.and_then(DeValue::as_bool) == Some(false);
    let shared = [
        ("verify", unverified),
        ("client_certificate", section.has("client_certificate")),
    ];
    let shared = shared
        .into_iter()
        .filter(|(_, is_said)| *is_said && !has_tls);
    let pin = section.has("pin").then_some("pin");
    for key in shared.map(|(key, _)| key).chain(pin) {
        let message = format!("\"{key}\" on an http:// address, which has no certificate");
        section.refuse(key, message, "write the https:// address, or leave it out");
    }
}

impl Settings {
    /// Whether anything is to be said of the certificates of a way.
    fn wants_ends(&self, heard: Heard) -> bool {
        !self.days.is_never() || heard.is_some()
    }
}

/// Asks what stands in `stop` and reads the answer, on a connection of its own.
pub(super) async fn send(
    settings: &Settings,
    stop: &mut Stop,
    (keep, is_way): (Keep, impl Fn(StatusCode) -> bool),
    env: &Env,
    trace: &mut Trace,
    ends: &mut Option<Ends>,
) -> Looked<Answer> {
    if let Some(way) = settings.more.as_deref().and_then(|more| more.way.as_ref()) {
        // In a future of its own, so that the usual one stays as small as it is.
        let sending = way.send((settings, stop), (keep, is_way), env, trace, ends);
        return Box::pin(sending).await;
    }
    let stream = stop.target.address.connect(env, trace).await?;
    // Whoever is asked here names what is asked next.
    let named = &mut stop.target.address.named;
    *named = (*named).max(Named::by(&stream));
    // Made late, so that it is not kept while we wait for the connection.
    let request = stop.request();
    let at = &*stop.target.address.text;
    let Some(name) = stop.target.tls.clone() else {
        return exchange(stream, request, keep, is_way, (trace, at)).await;
    };
    trace.enter(Stage::Tls);
    let (stream, heard) = env.tls.handshake(name, stream, at).await?;
    if settings.wants_ends(heard) {
        let here = env.tls.ends(&stream, heard).await;
        *ends = [ends.take(), here]
            .into_iter()
            .flatten()
            .reduce(Ends::sooner);
    }
    exchange(stream, request, keep, is_way, (trace, at)).await
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn what_is_said_of_a_certificate_is_refused_where_there_is_none() {
        let pin = format!("pin = \"sha256:{}\"", "e3".repeat(32));
        let keys = |address: &str, keys: &str| {
            read(&format!("http = {{ url = \"{address}\", {keys} }}")).1
        };
        for said in [pin.as_str(), "verify = false"] {
            let problems = keys("http://a/", said);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(
                problems[0].contains(
                    "on an http:// address, which has no certificate; write the https://"
                ),
                "{problems:?}"
            );
            assert_eq!(keys("https://a/", said), [""; 0]);
        }
        assert_eq!(keys("http://a/", "verify = true"), [""; 0]);
        // Tokens come over TLS all the same.
        let oauth =
            "oauth2 = { token_url = \"https://b/\", client_id = \"c\", client_secret = \"d\" }";
        assert_eq!(
            keys("http://a/", &format!("verify = false, {oauth}")),
            [""; 0]
        );
        let problems = keys(
            "http://a/",
            "client_certificate = \"/nowhere\", client_key = \"/nowhere\"",
        );
        assert!(
            problems
                .iter()
                .any(|p| p.contains("\"client_certificate\" on an http:// address")),
            "{problems:?}"
        );
    }
}
