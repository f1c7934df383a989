//! A token by OAuth2 client credentials (RFC 6749, section 4.4): kept until shortly before its end, and asked for
//! anew once where the page refuses it.

use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::body::Keep;
use super::exchange::Answer;
use super::follow::{Seen, Stop, follow};
use super::login::sensitive;
use super::target::Target;
use super::way::send;
use super::{Settings, headers_for};
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::kept::Kept;
use crate::probe::trace::{Stage, Trace};
use crate::settings::{Secret, Section};

/// How long before its end a token is not used any more: it must live until the page has seen it.
const EARLY: Duration = Duration::from_secs(30);
/// Longest token: what servers take as the head of a request.
const LONGEST: usize = 8 << 10;
/// Longest piece of what a token endpoint says in a message.
const PIECE_CHARS: usize = 80;
/// What stands for itself in a form.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where to get a token, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grant {
    target: Target,
    id: String,
    secret: Secret,
    scope: Option<String>,
    audience: Option<String>,
    /// Whether id and secret go in the body, not in a header.
    in_body: bool,
    token: Kept<Token>,
}

struct Token {
    header: HeaderValue,
    /// Until when it may be used; none where nothing is said of it.
    until: Option<Instant>,
}

/// What a token endpoint says (RFC 6749, sections 5.1 and 5.2).
#[derive(Deserialize)]
struct Said {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Value>,
    error: Option<String>,
}

impl Grant {
    /// Reads `oauth2`: `token_url`, `client_id`, `client_secret`, `scope`, `audience`, `credentials`.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let mut table = section.table("oauth2")?;
        let url = table.required("token_url");
        let target = url.and_then(|url| {
            let parsed = Target::parse(&url);
            if let Err(hint) = &parsed {
                let message = "\"token_url\" is not an address that can be asked";
                table.refuse("token_url", message, *hint);
            }
            parsed.ok()
        });
        let id = table.required("client_id");
        let secret = table.required_secret("client_secret");
        let scope = table.strings("scope").map(|all| {
            let all: Vec<String> = all.into_iter().map(|(scope, _)| scope).collect();
            all.join(" ")
        });
        let audience = table.string("audience");
        let credentials = table.choice("credentials", &["header", "body"]);
        table.finish();
        Some(Self {
            target: target?,
            id: id?,
            secret: secret?,
            scope,
            audience,
            in_body: credentials == Some("body"),
            token: Kept::default(),
        })
    }

    /// Whether tokens come over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.target.tls.is_some()
    }

    /// Asks for the page with a token. Says also when the page itself was begun to be asked, since the start of
    /// the look.
    pub(super) async fn follow(
        &self,
        settings: &Settings,
        env: &Env,
        trace: &mut Trace,
    ) -> Looked<(Seen, Duration)> {
        let is_good = |token: &Token| token.until.is_none_or(|until| Instant::now() < until);
        let kept = self.token.take().filter(is_good);
        let was_kept = kept.is_some();
        let mut token = match kept {
            Some(token) => token,
            None => self.ask(settings, env, trace).await?,
        };
        let mut before = trace.took();
        let mut seen = follow(settings, Some(&token.header), env, trace).await?;
        let refused = |seen: &Seen| {
            let status = seen.answer.status;
            status == StatusCode::UNAUTHORIZED && !settings.accepts(status)
        };
        if was_kept && refused(&seen) {
            token = self.ask(settings, env, trace).await?;
            before = trace.took();
            seen = follow(settings, Some(&token.header), env, trace).await?;
        }
        if !refused(&seen) {
            self.token.put(token);
        }
        Ok((seen, before))
    }

    /// A new token.
    async fn ask(&self, settings: &Settings, env: &Env, trace: &mut Trace) -> Looked<Token> {
        trace.enter(Stage::Login);
        let mut stop = self.stop();
        let keep = Keep {
            text: true,
            ..Keep::default()
        };
        let how = (keep, |_| false);
        // It has phases of its own, which are none of the page's.
        let mut aside = Trace::start(trace.left());
        let answer = send(settings, &mut stop, how, env, &mut aside, &mut None).await;
        let place = &self.target.text;
        let token = answer.and_then(|answer| Token::of(&answer)).map_err(|why| {
            let text = format!("no token from {place}: {}", why.message());
            Outcome::new(why.verdict, &text)
        });
        trace.note(|| {
            let found = token.as_ref().err().map(Outcome::message);
            let holds = found.is_none();
            let found = found.unwrap_or_else(|| "one".to_owned());
            Finding::new("token", format!("one from {place}"), found, holds)
        });
        token
    }

    fn stop(&self) -> Stop {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(
            self.audience
                .as_deref()
                .map(|audience| ("audience", audience)),
        );
        if self.in_body {
            form.push(("client_id", &self.id));
            form.push(("client_secret", self.secret.expose()));
        }
        let encoded = |text| utf8_percent_encode(text, FORM);
        let pairs = form.into_iter();
        let pairs: Vec<String> = pairs
            .map(|(key, value)| format!("{key}={}", encoded(value)))
            .collect();
        let mut headers = headers_for(&self.target);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if !self.in_body {
            // Encoded as in a form before they are put together (section 2.3.1).
            let both = format!("{}:{}", encoded(&self.id), encoded(self.secret.expose()));
            let value = sensitive(&format!("Basic {}", STANDARD.encode(both)));
            let value = value.expect("base64 has no other characters than a header");
            headers.insert(AUTHORIZATION, value);
        }
        Stop {
            target: self.target.clone(),
            method: Method::POST,
            headers,
            send: Bytes::from(pairs.join("&")),
        }
    }
}

impl Token {
    /// The token in an answer, or what the answer says instead.
    fn of(answer: &Answer) -> Looked<Self> {
        let wrong = |why: &str| Outcome::fail(&format!("{}, {why}", answer.status));
        let said: Result<Said, _> = serde_json::from_slice(&answer.body.text);
        if !answer.status.is_success() {
            let error = said.ok().and_then(|said| said.error);
            let error = error.unwrap_or_else(|| "without a reason".to_owned());
            return Err(wrong(&text::line(&error, PIECE_CHARS)));
        }
        let said = said.map_err(|_| wrong("and no JSON of a token"))?;
        let kind = said.token_type.unwrap_or_default();
        if !kind.eq_ignore_ascii_case("bearer") {
            let kind = text::line(&kind, PIECE_CHARS);
            return Err(wrong(&format!(
                "a token of the type \"{kind}\", not bearer"
            )));
        }
        let token = said.access_token.filter(|token| token.len() <= LONGEST);
        let header = token.and_then(|token| sensitive(&format!("Bearer {token}")));
        let header = header.ok_or_else(|| wrong("and no token that a header takes"))?;
        Ok(Self {
            header,
            until: said.expires_in.as_ref().and_then(until),
        })
    }
}

/// Until when a token may be used that lives so many seconds, which some write as a text.
fn until(expires_in: &Value) -> Option<Instant> {
    let text = expires_in.as_str().and_then(|text| text.parse().ok());
    let seconds = text.or_else(|| expires_in.as_u64());
    let life = Duration::from_secs(seconds?);
    // A short-lived one is used for most of its life all the same.
    Instant::now().checked_add(life.saturating_sub(EARLY.min(life / 10)))
}
