//! Somebody reads the status page, reloads it, and looks at a check and at the incidents.

use std::sync::Arc;

use goose::goose::{
    GooseMethod, GooseRequest, GooseUser, Transaction, TransactionFunction, TransactionResult,
};

use super::{body, page, step};
use crate::target::{Found, Target};

pub(super) const REQUESTS: [&str; 4] = [
    "GET overview",
    "GET overview again",
    "GET check page",
    "GET incidents",
];

pub(super) fn steps(target: &Target, found: &Found) -> Vec<Transaction> {
    let overview: Arc<str> = format!("{}/", target.status).into();
    let act: TransactionFunction = Arc::new(move |user| {
        let overview = Arc::clone(&overview);
        Box::pin(async move { reload(user, &overview).await })
    });
    vec![
        step("overview", act),
        page(
            "check page",
            format!("{}/checks/{}", target.status, found.check),
        ),
        page("incidents", format!("{}/incidents", target.status)),
    ]
}

/// Gets the page, and again with what its first answer said of its version, as a browser does.
async fn reload(user: &mut GooseUser, url: &str) -> TransactionResult {
    let first = user.get_named(url, "overview").await?;
    let known = first
        .response
        .as_ref()
        .ok()
        .and_then(|response| response.headers().get("etag"))
        .cloned();
    body(user, first).await?;
    let again = user.get_request_builder(&GooseMethod::Get, url)?;
    let request = GooseRequest::builder().name("overview again");
    let request = match known {
        Some(known) => request
            .set_request_builder(again.header("if-none-match", known))
            .expect_status_code(304),
        None => request.set_request_builder(again),
    };
    let mut again = user.request(request.build()).await?;
    match again.request.status_code {
        304 => Ok(()),
        // The page has changed in between: no failure, though goose's list of errors still shows it.
        200 => {
            user.set_success(&mut again.request)?;
            body(user, again).await.map(drop)
        }
        _ => body(user, again).await.map(drop),
    }
}
