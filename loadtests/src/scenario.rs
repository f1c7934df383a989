//! Who comes: one file for each kind of user.
//!
//! Goose measures a request until its headers are there; the body is read to its end all the same, so that
//! the connection is used again as a browser would.

mod api;
mod hello;
mod jobs;
mod live;
mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use goose::GooseError;
use goose::goose::{
    GooseResponse, GooseUser, Scenario, Transaction, TransactionError, TransactionFunction,
};
use serde::Deserialize;

use crate::plan::Share;
use crate::target::{Found, Target};

/// The kinds of users.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Reads the two hello pages.
    Hello,
    /// Reads the status page, and reloads it.
    Status,
    /// A program that reads the API and the metrics.
    Api,
    /// A job that reports in.
    Jobs,
    /// Watches the page update itself.
    Live,
}

impl Kind {
    /// Its name in a plan.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Status => "status",
            Self::Api => "api",
            Self::Jobs => "jobs",
            Self::Live => "live",
        }
    }

    /// Its requests, as goose and its reports name them.
    pub(crate) fn requests(self) -> &'static [&'static str] {
        match self {
            Self::Hello => &hello::REQUESTS,
            Self::Status => &status::REQUESTS,
            Self::Api => &api::REQUESTS,
            Self::Jobs => &jobs::REQUESTS,
            Self::Live => &live::REQUESTS,
        }
    }

    /// What it does.
    pub(crate) fn scenario(
        self,
        share: &Share,
        target: &Target,
        found: &Found,
        tally: &Tally,
    ) -> Result<Scenario, GooseError> {
        let steps = match self {
            Self::Hello => hello::steps(target),
            Self::Status => status::steps(target, found),
            Self::Api => api::steps(target, found),
            Self::Jobs => jobs::steps(found),
            Self::Live => live::steps(target, share, tally),
        };
        let [shortest, longest] = share.wait;
        let empty = Scenario::new(self.name())
            .set_weight(share.weight)?
            .set_wait_time(shortest.0, longest.0)?;
        Ok(steps
            .into_iter()
            .fold(empty, Scenario::register_transaction))
    }
}

/// What is counted besides goose's own metrics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Live streams that were opened.
    pub(crate) streams: Count,
    /// Events that they brought.
    pub(crate) events: Count,
}

/// A number that all users count up together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<AtomicU64>);

impl Count {
    fn add(&self, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A step that does what the function says.
fn step(name: &str, act: TransactionFunction) -> Transaction {
    Transaction::new(act).set_name(name)
}

/// A step that gets one page.
fn page(name: &'static str, url: String) -> Transaction {
    let url: Arc<str> = url.into();
    let act: TransactionFunction = Arc::new(move |user| {
        let url = Arc::clone(&url);
        Box::pin(async move {
            let answer = user.get_named(&url, name).await?;
            body(user, answer).await.map(drop)
        })
    });
    step(name, act)
}

/// Reads the body to its end. One that breaks off, or that is empty, makes the request a failed one.
async fn body(
    user: &mut GooseUser,
    answer: GooseResponse,
) -> Result<String, Box<TransactionError>> {
    let mut request = answer.request;
    let text = match answer.response {
        Ok(response) => response.text().await,
        // Goose has counted it as failed already.
        Err(error) => return Err(Box::new(error.into())),
    };
    match text {
        Ok(text) if !text.is_empty() => return Ok(text),
        Ok(_) => user.set_failure("the body is empty", &mut request, None, None)?,
        Err(_) => user.set_failure("the body broke off", &mut request, None, None)?,
    }
    Ok(String::new())
}
