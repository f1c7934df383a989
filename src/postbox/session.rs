//! One connection: who sends, to whom, and the mail.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use smtp_proto::{Error, Request};
use tokio_util::sync::CancellationToken;

use super::content::Content;
use super::letter::Letter;
use super::limits::{COMMANDS, Limits, MAIL_BYTES, MISTAKES, RECIPIENTS, SENDER_CHARS};
use super::reply::Reply;
use super::wire::{Line, Over, Wire};
use super::{Sources, mailbox};
use crate::core::check::CheckId;
use crate::core::heartbeat::{Ping, Signal};
use crate::core::input::Input;
use crate::core::text;
use crate::inbox::Answer;

/// A connection.
pub(super) struct Session {
    wire: Wire,
    peer: IpAddr,
    sources: Arc<Sources>,
    limits: Limits,
    has_greeted: bool,
    /// Who sends the mail that is being told of.
    from: Option<String>,
    to: Vec<CheckId>,
    mistakes: usize,
}

/// What a command leads to.
enum Step {
    Say(Reply),
    /// The same, and that is the end.
    End(Reply),
    /// The mail follows.
    Take,
}

impl Session {
    pub(super) fn new(
        stream: tokio::net::TcpStream,
        peer: IpAddr,
        sources: Arc<Sources>,
        limits: Limits,
    ) -> Self {
        Self {
            wire: Wire::new(stream, limits),
            peer: peer.to_canonical(),
            sources,
            limits,
            has_greeted: false,
            from: None,
            to: Vec::new(),
            mistakes: 0,
        }
    }

    /// Talks until the client has nothing more to say, or too much. The error is for the log.
    pub(super) async fn talk(mut self, shutdown: CancellationToken) -> Result<(), std::io::Error> {
        let ended = self.dialogue(&shutdown).await;
        let last = match ended {
            Ok(()) | Err(Over::Gone) => return Ok(()),
            Err(Over::Broken(error)) => return Err(error),
            Err(Over::TooSlow) => Reply::TOO_SLOW,
            Err(Over::TooMuch) => Reply::TOO_LARGE,
        };
        // Whoever does not listen any more misses nothing.
        self.wire.say(&last.0).await.ok();
        Ok(())
    }

    async fn dialogue(&mut self, shutdown: &CancellationToken) -> Result<(), Over> {
        let greeting = format!("220 {} ESMTP Belfry takes pings", self.sources.domain);
        self.wire.say(&greeting).await?;
        for _ in 0..COMMANDS {
            let line = tokio::select! {
                biased;
                line = self.wire.line() => line?,
                () = shutdown.cancelled() => return self.wire.say(&Reply::STOPPING.0).await,
            };
            let step = match line {
                Line::Whole(line) => self.step(&line),
                Line::TooLong => Step::Say(Reply::LONG_LINE),
                Line::Loose => Step::Say(Reply::LOOSE_LINE),
            };
            let reply = match step {
                Step::Say(reply) => reply,
                Step::End(reply) => return self.wire.say(&reply.0).await,
                Step::Take => {
                    self.wire.say(&Reply::GO_ON.0).await?;
                    let content = self.wire.content().await?;
                    let reply = self.deliver(&content).await;
                    self.forget();
                    reply
                }
            };
            self.mistakes += usize::from(reply.is_mistake());
            // Instead of the answer: one that came behind it might be lost with the connection.
            if self.mistakes > MISTAKES {
                return self.wire.say(&Reply::TOO_MANY_MISTAKES.0).await;
            }
            self.wire.say(&reply.0).await?;
        }
        self.wire.say(&Reply::TOO_MANY_COMMANDS.0).await
    }

    /// Decides upon one command.
    fn step(&mut self, line: &[u8]) -> Step {
        let request = match Request::parse(&mut line.iter()) {
            Ok(request) => request,
            Err(error) => return Step::Say(refusal(&error)),
        };
        Step::Say(match request {
            Request::Ehlo { .. } => {
                self.forget();
                self.has_greeted = true;
                self.extensions()
            }
            Request::Helo { .. } => {
                self.forget();
                self.has_greeted = true;
                Reply(Cow::Owned(format!("250 {}", self.sources.domain)))
            }
            Request::Mail { .. } if !self.has_greeted => Reply::GREET_FIRST,
            Request::Mail { .. } if self.from.is_some() => Reply::SENDER_TWICE,
            Request::Mail { from } if from.size > MAIL_BYTES => Reply::TOO_LARGE,
            Request::Mail { from } => {
                self.from = Some(text::line(&from.address, SENDER_CHARS));
                Reply::SENDER
            }
            Request::Rcpt { .. } | Request::Data if self.from.is_none() => Reply::SENDER_FIRST,
            Request::Rcpt { .. } if self.to.len() >= RECIPIENTS => Reply::TOO_MANY_RECIPIENTS,
            Request::Rcpt { to } => match mailbox::find(&self.sources, self.peer, &to.address) {
                Ok(check) => {
                    if !self.to.contains(&check) {
                        self.to.push(check);
                    }
                    Reply::RECIPIENT
                }
                Err(reply) => reply,
            },
            Request::Data if self.to.is_empty() => Reply::RECIPIENT_FIRST,
            Request::Data => return Step::Take,
            Request::Rset => {
                self.forget();
                Reply::OK
            }
            Request::Noop { .. } => Reply::OK,
            Request::Help { .. } => Reply::HELP,
            Request::Vrfy { .. } => Reply::CANNOT_VERIFY,
            Request::Quit => return Step::End(Reply::BYE),
            Request::Lhlo { .. }
            | Request::Bdat { .. }
            | Request::Auth { .. }
            | Request::Expn { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. }
            | Request::StartTls => Reply::NOT_OFFERED,
        })
    }

    /// What we can beside RFC 5321.
    fn extensions(&self) -> Reply {
        let domain = &self.sources.domain;
        Reply(Cow::Owned(format!(
            "250-{domain}\r\n250-SIZE {MAIL_BYTES}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES"
        )))
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// Makes a ping of the mail for everybody it is to. 250 only where all of them are in the journal.
    async fn deliver(&self, content: &Content) -> Reply {
        if content.is_loose() {
            return Reply::LOOSE_MAIL;
        }
        if content.is_too_large() {
            return Reply::TOO_LARGE;
        }
        let letter = Letter::read(content.kept());
        let from = self.from.as_deref().unwrap_or_default();
        let agent: Arc<str> = format!("Email from {from}").into();
        let body = self
            .sources
            .keys
            .borrow()
            .hidden_in(letter.shown.as_bytes());
        let body: Arc<[u8]> = body
            .get(..super::limits::KEPT_BYTES)
            .unwrap_or(&body)
            .into();
        let remote: Arc<str> = self.peer.to_string().into();
        let mut reply = Reply::NO_MAILBOX;
        for &check in &self.to {
            let ping = Ping {
                at: self.sources.clock.now(),
                signal: self.meaning(check, &letter),
                rid: None,
                // Of none: that is how pings by e-mail are known.
                method: Arc::default(),
                remote: Arc::clone(&remote),
                agent: Arc::clone(&agent),
                body: Arc::clone(&body),
                took: None,
                late: std::time::Duration::ZERO,
            };
            let input = Input::Ping { check, ping };
            match self.sources.inbox.ask(input, self.limits.decision).await {
                Answer::Done => {
                    self.sources.vitals.pings.bump();
                    reply = Reply::OK;
                }
                // It is gone since its address was asked for.
                Answer::Nothing => {}
                Answer::NotDurable | Answer::Busy => {
                    self.sources.vitals.pings_refused.bump();
                    return Reply::NOT_RECORDED;
                }
            }
        }
        reply
    }

    /// What the mail means to a heartbeat: success, unless it looks for words.
    fn meaning(&self, check: CheckId, letter: &Letter) -> Signal {
        let view = self.sources.view.borrow();
        let watched = view.engine.watched(check);
        let rule = watched.and_then(|watched| watched.check.heartbeat.as_ref());
        let filter = rule.and_then(|rule| rule.filter.as_ref());
        filter.map_or(Signal::Success, |filter| {
            filter.of_mail(&letter.subject, &letter.text)
        })
    }
}

/// What is said to a command that cannot be read.
fn refusal(error: &Error) -> Reply {
    match error {
        // The last two are about answers, which commands never are.
        Error::UnknownCommand
        | Error::NeedsMoreData { .. }
        | Error::ResponseTooLong
        | Error::InvalidResponse { .. } => Reply::UNKNOWN,
        Error::InvalidSenderAddress | Error::InvalidRecipientAddress => Reply::BAD_ADDRESS,
        Error::SyntaxError { syntax } => Reply::syntax(syntax),
        Error::InvalidParameter { .. } | Error::UnsupportedParameter { .. } => Reply::BAD_PARAMETER,
    }
}
