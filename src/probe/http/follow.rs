//! From the first request to the last answer: connects, asks, and follows redirects as a browser would.

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use ::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;

use super::exchange::Answer;
use super::target::{Target, without_secrets};
use super::way::send;
use super::{Settings, headers_for};
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::tls::Ends;
use crate::probe::trace::Trace;

/// Longest address of a redirect in a message.
const PLACE_CHARS: usize = 80;

/// The last answer, and what was seen on the way.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) answer: Answer,
    /// The first ends of certificates on the way.
    pub(super) ends: Option<Ends>,
    /// The address that it led to, where that was asked for.
    pub(super) place: Option<String>,
}

/// What is asked at one stop.
struct Stop {
    target: Target,
    method: Method,
    headers: HeaderMap,
    send: Bytes,
}

/// Asks, and follows the redirects that `settings` allow;
/// asks with `token` where the page itself is.
pub(super) async fn follow(
    settings: &Settings,
    token: Option<&HeaderValue>,
    env: &Env,
    trace: &mut Trace,
) -> Looked<Seen> {
    let headers = || {
        let mut headers = settings.headers();
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        headers
    };
    let mut stop = Stop {
        target: settings.target.clone(),
        method: settings.method.clone(),
        headers: headers(),
        send: settings.send.clone(),
    };
    let mut ends = None;
    let mut followed = 0;
    loop {
        let answer = ask(settings, &mut stop, env, trace, &mut ends).await?;
        if !settings.is_way(answer.status) {
            let place = settings.place(&stop.target, &answer);
            return Ok(Seen {
                answer,
                ends,
                place,
            });
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
                let mut headers = headers();
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
    let mut request = Request::new(std::mem::take(&mut stop.send));
    *request.method_mut() = stop.method.clone();
    *request.uri_mut() = stop.target.uri.clone();
    *request.headers_mut() = std::mem::take(&mut stop.headers);
    let how = (settings.keep(), |status| settings.is_way(status));
    send(settings, &mut stop.target, (request, how), env, trace, ends).await
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
    /// Where an answer from `target` leads, where somebody wants to know: to where it was found, or to where it
    /// sends on.
    fn place(&self, target: &Target, answer: &Answer) -> Option<String> {
        self.more.as_ref()?.wants.location.as_ref()?;
        let location = answer.location.as_ref();
        let location = location.filter(|_| answer.status.is_redirection());
        Some(match location {
            Some(location) => match target.join(location) {
                Ok(next) => next.url(),
                Err(_) => location.clone(),
            },
            None => target.url(),
        })
    }

    /// Whether an answer with this status is on the way to another, not the last.
    fn is_way(&self, status: StatusCode) -> bool {
        let listed = |list: &Vec<u16>| list.contains(&status.as_u16());
        matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
            && self.redirects > 0
            && !self.status.as_ref().is_some_and(listed)
    }
}
