//! A way for mail to leave, in the order in which the configuration names them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use lettre::Address;

use super::smtp::{self, Deadlines, Delivered, Letter};
use super::{folder, smtp::Settings};
use crate::core::outbox::Notification;
use crate::names::Names;
use crate::settings::Secret;

/// One way for mail to leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Relay {
    /// A mail server that takes it from here.
    Smtp(Settings),
    /// A folder that it is written to, for who has no mail server (yet).
    Folder(PathBuf),
}

/// All ways, tried in order.
#[derive(Clone, Debug)]
pub struct Relays {
    /// The sender on the envelope: where a bounce goes.
    pub from: Address,
    pub list: Vec<Relay>,
    pub deadlines: Deadlines,
    /// Who knows where they are.
    pub names: Arc<Names>,
}

impl Relay {
    /// The mail server at `url`: `smtp://host[:25]`, `smtp+starttls://host[:587]` or `smtps://host[:465]`,
    /// with a user as in `smtps://user@host`. A password in the URL counts before `password`.
    ///
    /// # Errors
    /// What is wrong with it and what to write, without any password.
    pub fn parse(url: &str, password: Option<Secret>) -> Result<Self, String> {
        Settings::parse(url, password).map(Self::Smtp)
    }

    /// Its name in the outbox, on pages and in logs: never with a user or a password.
    pub fn name(&self) -> Arc<str> {
        self.to_string().into()
    }

    /// Hands `notification` over, as all of `relays` do. `before_content` is awaited when the relay is ready for the content and
    /// before any of it leaves; if it says false, nothing does.
    pub async fn deliver(
        &self,
        notification: &Notification,
        relays: &Relays,
        before_content: impl Future<Output = bool> + Send,
    ) -> Delivered {
        match self {
            Self::Folder(path) => folder::deliver(path, notification, before_content).await,
            Self::Smtp(settings) => match notification.recipient.address.parse::<Address>() {
                Ok(to) => {
                    let letter = Letter {
                        from: &relays.from,
                        to: &to,
                        bytes: &notification.message,
                    };
                    let Relays {
                        deadlines, names, ..
                    } = relays;
                    let way = smtp::Way {
                        settings,
                        deadlines,
                        names,
                    };
                    smtp::deliver(way, letter, before_content).await
                }
                Err(error) => Delivered::Refused {
                    reply: format!("this is no mail address ({error}): correct the recipient"),
                },
            },
        }
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(settings) => settings.fmt(f),
            Self::Folder(path) => write!(f, "folder {}", path.display()),
        }
    }
}
