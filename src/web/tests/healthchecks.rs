//! Stories about the management API of healthchecks.io at its limits; all the rest of it is in
//! `tests/healthchecks.rs`.

use uuid::Uuid;

use super::*;
use crate::core::heartbeat::Made;
use crate::core::heartbeat::made::{MOST, MOST_BY_PINGS};

const CHECKS: &str = "/compat/healthchecks/api/v3/checks/";

async fn post(town: &Town, path: &str, body: &str) -> Reply {
    let key = format!("x-api-key: {API_KEY}\r\n");
    town.ask("POST", path, &key, body).await
}

/// Makes heartbeats until there are so many.
async fn fill(town: &Town, count: usize) {
    let made = Arc::new(Made::default());
    loop {
        let there = town.view.borrow().engine.made_count();
        if there >= count {
            return;
        }
        let uuid = Uuid::new_v4();
        let input = if there < MOST {
            Input::Make {
                uuid,
                made: Arc::new(Made {
                    name: format!("job-{there}").into(),
                    ..Made::clone(&made)
                }),
            }
        } else {
            Input::Provision {
                slug: format!("slug-{there}").into(),
                uuid,
                ping: crate::journal::tests::story::ping(
                    crate::core::time::Time::default(),
                    crate::core::heartbeat::Signal::Success,
                ),
            }
        };
        town.inbox.ask(input, PATIENCE).await;
    }
}

#[tokio::test]
async fn at_the_limit_the_api_makes_no_more_and_pings_have_as_many_again() {
    let town = Town::found(Limits::default()).await;
    fill(&town, MOST - 1).await;
    assert_eq!(post(&town, CHECKS, "{}").await.status, 201);
    let refused = post(&town, CHECKS, "{}").await;
    assert_eq!((refused.status, refused.body.as_str()), (403, ""));
    // What is there is changed all the same.
    let upsert = r#"{"name": "job-7", "tags": "x", "unique": ["name"]}"#;
    assert_eq!(post(&town, CHECKS, upsert).await.status, 200);
    let path = |slug: &str| format!("/ping/{PING_KEY}/{slug}?create=1");
    assert_eq!(town.get(&path("one-more")).await.status, 201);
    fill(&town, MOST_BY_PINGS).await;
    let refused = town.get(&path("too-many")).await;
    assert_eq!((refused.status, refused.body.as_str()), (404, "not found"));
    assert_eq!(town.get(&path("one-more")).await.status, 200);
    // A list of that length is given, too.
    let key = format!("x-api-key: {API_KEY}\r\n");
    let list = town.ask("GET", CHECKS, &key, "").await.json();
    assert!(
        list["checks"]
            .as_array()
            .is_some_and(|all| all.len() > MOST_BY_PINGS)
    );
}

#[tokio::test]
async fn what_is_not_durable_is_never_said_to_be_made() {
    let town = Town::found(short()).await;
    for mode in [Answer::NotDurable, Answer::Busy] {
        town.journal.send_replace(mode);
        let reply = post(&town, CHECKS, "{}").await;
        assert_eq!(reply.status, 503, "{mode:?}");
        assert_eq!(reply.header("retry-after"), Some("5"));
        let ping = town.get(&format!("/ping/{PING_KEY}/fresh?create=1")).await;
        assert_eq!(ping.status, 503, "{mode:?}");
    }
    town.journal.send_replace(Answer::Done);
    assert_eq!(post(&town, CHECKS, "{}").await.status, 201);
}
