//! The way to the engine: one bounded queue of inputs, with or without waiting for what was decided.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::core::input::Input;

/// How many inputs may wait. At the highest rate that the probes reach (some 10,000 looks a second) this
/// is a stall of a second and a half of the journal; beyond it a look is dropped and counted, a ping
/// gets a 503.
pub const CAPACITY: usize = 16_384;

/// An input, and who waits for what becomes of it.
#[derive(Debug)]
pub struct Envelope {
    pub input: Input,
    pub reply: Option<oneshot::Sender<Answer>>,
}

/// What became of an input. Everything but the last two is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Something was decided, and it is in the journal.
    Done,
    /// It changed nothing (an incident that is closed, a check that is gone).
    Nothing,
    /// It counts, but it could not be written: the journal is full or broken.
    NotDurable,
    /// The engine did not take it, or did not answer in time.
    Busy,
}

/// Takes inputs for the engine. Clones lead to the same queue.
#[derive(Clone, Debug)]
pub struct Inbox(mpsc::Sender<Envelope>);

impl Inbox {
    /// The queue: an inbox, and the end that the engine reads.
    pub fn new() -> (Self, mpsc::Receiver<Envelope>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), receiver)
    }

    /// Hands in an input that nobody waits for. False when the queue is full (or the engine is gone): the
    /// input is lost.
    pub fn offer(&self, input: Input) -> bool {
        self.0.try_send(Envelope { input, reply: None }).is_ok()
    }

    /// Hands in an input and waits until it is decided and durable, at most `within`.
    pub async fn ask(&self, input: Input, within: Duration) -> Answer {
        let (sender, receiver) = oneshot::channel();
        if self
            .0
            .try_send(Envelope {
                input,
                reply: Some(sender),
            })
            .is_err()
        {
            return Answer::Busy;
        }
        match timeout(within, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Answer::Busy,
        }
    }
}
