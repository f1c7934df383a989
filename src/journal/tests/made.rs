//! Stories of heartbeats that were made while running, and of what is asked about one.

use std::sync::Arc;

use uuid::Uuid;

use super::story::*;
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::heartbeat::{Made, Signal};
use crate::core::input::Input;
use crate::core::time::Time;

const ADDRESS: Uuid = Uuid::from_u128(42);

fn called(name: &str) -> Arc<Made> {
    Arc::new(Made {
        name: name.into(),
        slug: name.into(),
        tags: "a b".into(),
        ..Made::default()
    })
}

async fn make(story: &mut Story, name: &str) {
    let (uuid, made) = (ADDRESS, called(name));
    story
        .tell(Input::Make { uuid, made })
        .await
        .expect("written");
}

async fn rename(story: &mut Story, name: &str) {
    let check = story.engine.beat(&ADDRESS).expect("made").id;
    let made = called(name);
    story
        .tell(Input::Change { check, made })
        .await
        .expect("written");
}

/// What the one that was made is called, and all that was said of it.
fn known(engine: &Engine) -> Vec<(String, String)> {
    let made = engine.made();
    made.map(|watched| {
        let made = watched.record.made.as_ref().expect("made");
        (watched.check.name.to_string(), made.name.to_string())
    })
    .collect()
}

#[tokio::test]
async fn one_that_was_made_and_called_anew_is_there_after_a_restart() {
    let mut story = Story::begin().await;
    make(&mut story, "first").await;
    rename(&mut story, "second").await;
    assert_eq!(story.reopen().await, None);
    story.tell(Input::Plan(roster())).await.expect("written");
    assert_eq!(known(&story.engine), [("second".into(), "second".into())]);
    assert!(story.engine.beat(&ADDRESS).is_some());
    assert!(story.engine.named("first").is_none());
    let check = story.engine.named("second").expect("made").id;
    let by = "ops".into();
    story
        .tell(Input::Unmake { check, by })
        .await
        .expect("written");
    assert_eq!(story.reopen().await, None);
    story.tell(Input::Plan(roster())).await.expect("written");
    assert!(known(&story.engine).is_empty() && story.engine.beat(&ADDRESS).is_none());
}

#[tokio::test]
async fn pings_are_numbered_and_asked_for_without_their_bodies() {
    let mut story = Story::begin().await;
    let reader = story.journal.reader();
    for signal in [Signal::Start, Signal::Success, Signal::Fail, Signal::Log] {
        story.ping(signal).await;
    }
    let job = story.engine.named("job").expect("planned").id;
    let heard = reader.heard(job, 3).await.expect("read");
    let rows: Vec<_> = heard.iter().map(|ping| (ping.n, ping.signal)).collect();
    assert_eq!(
        rows,
        [(4, Signal::Log), (3, Signal::Fail), (2, Signal::Success)]
    );
    assert!(
        heard
            .iter()
            .all(|ping| ping.body == 10 && &*ping.agent == "curl/8")
    );
    let body = reader.ping_body(job, 2).await.expect("read");
    assert_eq!(body.as_deref(), Some(b"all \xff well".as_slice()));
    assert_eq!(reader.ping_body(job, 5).await.expect("read"), None);
    let always = (Time::default(), Time::from_millis(i64::MAX));
    let turns = reader.turns(job, always, 10).await.expect("read");
    let word = |event: &Event| {
        let Event::Turned { state, .. } = event else {
            return "no turn";
        };
        state.phase().word()
    };
    let words: Vec<_> = turns.iter().map(word).collect();
    assert_eq!(words, ["down", "up"]);
    let before = (Time::default(), START);
    assert!(
        reader
            .turns(job, before, 10)
            .await
            .expect("read")
            .is_empty()
    );
}
