//! A program reads the API and the metrics.

use std::sync::Arc;

use goose::goose::{GooseUser, Transaction, TransactionFunction, TransactionResult};
use serde::de::IgnoredAny;

use super::{body, page, step};
use crate::target::{Found, Target};

pub(super) const REQUESTS: [&str; 4] = [
    "GET api status",
    "GET api checks",
    "GET api check",
    "GET metrics",
];

pub(super) fn steps(target: &Target, found: &Found) -> Vec<Transaction> {
    let api = format!("{}/api/v1", target.status);
    vec![
        json("api status", format!("{api}/status")),
        json("api checks", format!("{api}/checks")),
        json("api check", format!("{api}/checks/{}", found.check)),
        page("metrics", format!("{}/metrics", target.status)),
    ]
}

/// A step that gets JSON.
fn json(name: &'static str, url: String) -> Transaction {
    let url: Arc<str> = url.into();
    let act: TransactionFunction = Arc::new(move |user| {
        let url = Arc::clone(&url);
        Box::pin(async move { parse(user, name, &url).await })
    });
    step(name, act)
}

/// Gets it; half an answer is a failed one.
async fn parse(user: &mut GooseUser, name: &str, url: &str) -> TransactionResult {
    let answer = user.get_named(url, name).await?;
    let mut request = answer.request.clone();
    let text = body(user, answer).await?;
    if serde_json::from_str::<IgnoredAny>(&text).is_err() {
        return user.set_failure("the body is not JSON", &mut request, None, None);
    }
    Ok(())
}
