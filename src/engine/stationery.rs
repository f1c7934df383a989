//! What messages are written on: the sender, the time zone, the address of the status page.

use std::sync::Arc;

use crate::channel::{email, message};
use crate::core::engine::Engine;
use crate::core::outbox::Notification;
use crate::core::time::Time;

/// Writes a notification once and for all: every attempt sends these bytes.
#[derive(Clone, Debug)]
pub struct Stationery {
    pub context: message::Context,
    pub identity: email::Identity,
}

impl Stationery {
    /// The message of `notification` as it stands at `now`.
    pub fn write(&self, engine: &Engine, notification: &Notification, now: Time) -> Arc<[u8]> {
        let message = message::compose(engine, notification, now, &self.context);
        email::freeze(&message, notification, &self.identity).into()
    }
}
