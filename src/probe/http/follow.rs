//! From the first request to the last answer: connects, asks, and follows redirects as a browser would.

use ::http::header::{CONTENT_TYPE, LOCATION};
use ::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;

use super::exchange::{Answer, Keep, exchange};
use super::target::{Target, without_secrets};
use super::{Settings, headers_for};
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::bounds::Named;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::tls::Ends;
use crate::probe::trace::{Stage, Trace};

/// Longest address of a redirect in a message.
const PLACE_CHARS: usize = 80;

/// The last answer, and what was seen on the way.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) answer: Answer,
    /// The first ends of certificates on the way.
    pub(super) ends: Option<Ends>,
}

/// What is asked at one stop.
struct Stop {
    target: Target,
    method: Method,
    headers: HeaderMap,
    send: Bytes,
}

/// Asks, and follows the redirects that `settings` allow.
pub(super) async fn follow(settings: &Settings, env: &Env, trace: &mut Trace) -> Looked<Seen> {
    let mut stop = Stop {
        target: settings.target.clone(),
        method: settings.method.clone(),
        headers: settings.headers(),
        send: settings.send.clone(),
    };
    let mut ends = None;
    let mut followed = 0;
    loop {
        let answer = ask(settings, &mut stop, env, trace, &mut ends).await?;
        if !settings.is_way(answer.status) {
            return Ok(Seen { answer, ends });
        }
        if followed == settings.redirects {
            return Err(Outcome::fail(&format!("more than {followed} redirects")));
        }
        followed += 1;
        let next = next(settings, &stop.target, &answer)?;
        // As browsers do: a form that was sent is not sent again, unless the server asks for it.
        let again = matches!(answer.status.as_u16(), 307 | 308) || stop.method == Method::HEAD;
        let at_home = stop.target.is_beside(&settings.target) && next.is_beside(&settings.target);
        stop = Stop {
            headers: if at_home {
                let mut headers = settings.headers();
                if !again {
                    headers.remove(CONTENT_TYPE);
                }
                headers
            } else {
                headers_for(&next)
            },
            send: if again {
                settings.send.clone()
            } else {
                Bytes::new()
            },
            method: if again { stop.method } else { Method::GET },
            target: next,
        };
    }
}

async fn ask(
    settings: &Settings,
    stop: &mut Stop,
    env: &Env,
    trace: &mut Trace,
    ends: &mut Option<Ends>,
) -> Looked<Answer> {
    let Stop { target, .. } = stop;
    let mut request = Request::new(Full::new(std::mem::take(&mut stop.send)));
    *request.method_mut() = stop.method.clone();
    *request.uri_mut() = target.uri.clone();
    *request.headers_mut() = std::mem::take(&mut stop.headers);
    let keep = match settings.body {
        Some(_) => Keep::Body,
        None => Keep::Nothing,
    };
    let is_way = |status| settings.is_way(status);
    let stream = target.address.connect(env, trace).await?;
    // Whoever is asked here names what is asked next.
    target.address.named = target.address.named.max(Named::by(&stream));
    let at = &*target.address.text;
    let Some(name) = target.tls.clone() else {
        return exchange(stream, request, keep, is_way, (trace, at)).await;
    };
    trace.enter(Stage::Tls);
    let stream = env.tls.handshake(name, stream, at).await?;
    if settings.certificate_days > 0 || settings.chain_days > 0 {
        let here = env.tls.ends(&stream).await;
        *ends = [ends.take(), here]
            .into_iter()
            .flatten()
            .reduce(Ends::sooner);
    }
    exchange(stream, request, keep, is_way, (trace, at)).await
}

fn next(settings: &Settings, from: &Target, answer: &Answer) -> Looked<Target> {
    let Some(location) = &answer.location else {
        let message = format!("{} without a {LOCATION} header", answer.status.as_u16());
        return Err(Outcome::fail(&message));
    };
    from.join(location).map_err(|why| {
        let place = text::line(&without_secrets(location), PLACE_CHARS);
        Outcome::fail(&format!(
            "{} redirects to \"{place}\", {why}",
            settings.target.text
        ))
    })
}

impl Settings {
    /// Whether an answer with this status is on the way to another, not the last.
    fn is_way(&self, status: StatusCode) -> bool {
        let listed = |list: &Vec<u16>| list.contains(&status.as_u16());
        matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
            && self.redirects > 0
            && !self.status.as_ref().is_some_and(listed)
    }
}
