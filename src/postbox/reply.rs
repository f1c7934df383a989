//! What the server says: codes of RFC 5321 with the enhanced ones of RFC 3463.

use std::borrow::Cow;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply(pub(super) Cow<'static, str>);

impl Reply {
    pub(super) const OK: Self = Self::of("250 2.0.0 OK");
    pub(super) const SENDER: Self = Self::of("250 2.1.0 OK");
    pub(super) const RECIPIENT: Self = Self::of("250 2.1.5 OK");
    pub(super) const GO_ON: Self = Self::of("354 end with <CRLF>.<CRLF>");
    pub(super) const BYE: Self = Self::of("221 2.0.0 bye");
    pub(super) const HELP: Self = Self::of("214 2.0.0 mail to a heartbeat's address is a ping");
    pub(super) const CANNOT_VERIFY: Self = Self::of("252 2.1.5 send it and see");
    pub(super) const STOPPING: Self = Self::of("421 4.3.2 shutting down, come again");
    pub(super) const TOO_SLOW: Self = Self::of("421 4.4.2 too slow");
    pub(super) const TOO_MANY_COMMANDS: Self = Self::of("421 4.7.0 too many commands");
    pub(super) const TOO_MANY_MISTAKES: Self = Self::of("421 4.7.0 too many mistakes");
    pub(super) const NOT_RECORDED: Self = Self::of("451 4.3.0 not recorded, try again");
    pub(super) const TOO_MANY_RECIPIENTS: Self = Self::of("452 4.5.3 too many recipients");
    pub(super) const LONG_LINE: Self = Self::of("500 5.5.2 line too long");
    pub(super) const LOOSE_LINE: Self = Self::of("500 5.5.2 a line ends with CR and LF");
    pub(super) const UNKNOWN: Self = Self::of("500 5.5.1 command not known");
    pub(super) const NOT_OFFERED: Self = Self::of("502 5.5.1 not offered here");
    pub(super) const GREET_FIRST: Self = Self::of("503 5.5.1 say EHLO first");
    pub(super) const SENDER_FIRST: Self = Self::of("503 5.5.1 say MAIL first");
    pub(super) const RECIPIENT_FIRST: Self = Self::of("503 5.5.1 say RCPT first");
    pub(super) const SENDER_TWICE: Self = Self::of("503 5.5.1 there is a sender already");
    pub(super) const BAD_ADDRESS: Self = Self::of("501 5.1.3 that is no address");
    pub(super) const BAD_PARAMETER: Self = Self::of("555 5.5.4 parameter not known");
    /// As healthchecks.io says it.
    pub(super) const OTHER_DOMAIN: Self = Self::of("550 5.1.1 Recipient rejected");
    pub(super) const NO_MAILBOX: Self = Self::of("550 5.1.1 Invalid mailbox");
    pub(super) const AMBIGUOUS: Self = Self::of("550 5.1.4 ambiguous slug");
    pub(super) const TOO_LARGE: Self = Self::of("552 5.3.4 the mail is too large");
    pub(super) const LOOSE_MAIL: Self =
        Self::of("554 5.6.0 lines of a mail end with CR and LF; one here does not");

    const fn of(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Too many pings; the sender's server tries again by itself.
    pub(super) fn limited(seconds: u64) -> Self {
        Self(Cow::Owned(format!(
            "451 4.7.1 rate limited, try again in {seconds} s"
        )))
    }

    /// What was wrong with how a command is written.
    pub(super) fn syntax(syntax: &str) -> Self {
        Self(Cow::Owned(format!("501 5.5.4 write {syntax}")))
    }

    /// Whether the client made a mistake.
    pub(super) fn is_mistake(&self) -> bool {
        self.0.starts_with('5')
    }
}
