//! Jobs report in: each says that it starts, and that it is done with the tail of its output.

use std::sync::Arc;

use goose::goose::{
    GooseMethod, GooseRequest, GooseUser, Transaction, TransactionFunction, TransactionResult,
};

use super::{body, step};
use crate::target::Found;

pub(super) const REQUESTS: [&str; 2] = ["GET job starts", "POST job is done"];

/// What a job says at its end.
const OUTPUT: &str = "dumped 42 tables, 1.3 GiB\nuploaded in 38 s\nremoved 2 old backups\n";

pub(super) fn steps(found: &Found) -> Vec<Transaction> {
    let urls: Arc<[String]> = found.pings.clone().into();
    let act: TransactionFunction = Arc::new(move |user| {
        let urls = Arc::clone(&urls);
        Box::pin(async move { job(user, &urls).await })
    });
    vec![step("job", act)]
}

/// One run of a job. The users share the heartbeats evenly.
async fn job(user: &mut GooseUser, urls: &[String]) -> TransactionResult {
    let turn = user
        .weighted_users_index
        .wrapping_add(user.get_iterations());
    let Some(url) = urls.get(turn.checked_rem(urls.len()).unwrap_or_default()) else {
        return Ok(());
    };
    let started = user
        .get_named(&format!("{url}/start"), "job starts")
        .await?;
    body(user, started).await?;
    let request = user
        .get_request_builder(&GooseMethod::Post, url)?
        .body(OUTPUT);
    let request = GooseRequest::builder()
        .method(GooseMethod::Post)
        .name("job is done")
        .set_request_builder(request)
        .build();
    let done = user.request(request).await?;
    body(user, done).await.map(drop)
}
