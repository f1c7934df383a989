//! From the first request to the last answer: connects, asks, and follows redirects as a browser would.

use std::sync::Arc;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use ::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;

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
    /// Who answered, where that is somebody else than who was asked.
    pub(super) led_to: Option<Arc<str>>,
}

/// What is asked at one stop.
pub(super) struct Stop {
    pub(super) target: Target,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) send: Bytes,
}

impl Stop {
    /// The request, once: headers and body go with it.
    pub(super) fn request(&mut self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(std::mem::take(&mut self.send)));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.uri.clone();
        *request.headers_mut() = std::mem::take(&mut self.headers);
        request
    }
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
        let how = (settings.keep(), |status| settings.is_way(status));
        let answer = send(settings, &mut stop, how, env, trace, &mut ends).await?;
        if !settings.is_way(answer.status) {
            let place = settings.place(&stop.target, &answer);
            let is_home = stop.target.is_beside(&settings.target);
            let led_to = (!is_home).then(|| Arc::clone(&stop.target.address.text));
            return Ok(Seen {
                answer,
                ends,
                place,
                led_to,
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
