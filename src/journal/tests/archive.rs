//! What waits for the archive.

use std::time::Duration;

use super::story::Story;
use crate::core::heartbeat::Signal;
use crate::core::outcome::Verdict::{Fail, Pass};
use crate::journal::{meta, ship, store};

#[tokio::test]
async fn each_batch_is_one_shipment_and_leaves_when_it_is_shipped() {
    let mut story = Story::begin().await;
    let reader = story.journal.reader();
    assert_eq!(
        reader.ship_state().await.expect("read"),
        (0, None),
        "no archive, no shipments"
    );
    story.archived = true;
    let begun = story.now;
    story.look("db", Pass).await;
    story.ping(Signal::Success).await;
    story.now = story.now + Duration::from_secs(30);
    story.look("db", Fail).await;
    story.look("db", Fail).await;
    assert_eq!(reader.ship_state().await.expect("read"), (4, Some(begun)));

    let shipments = reader.ship(0, 100).await.expect("read");
    let cargo: Vec<_> = shipments
        .iter()
        .map(|s| s.cargo().expect("a cargo"))
        .collect();
    let names: Vec<_> = cargo[0].checks.iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(names, ["db", "web", "job"], "the first one tells all names");
    assert!(cargo[1].checks.is_empty());
    assert_eq!(cargo[0].outcomes[0].verdict, Pass);
    assert_eq!(cargo[1].pings[0].body, "all \u{fffd} well");
    assert_eq!(cargo[3].incidents[0].name.as_ref(), "db");
    assert_eq!(cargo[3].notifications.len(), 1);
    assert_eq!(
        cargo[3].outcomes[0].at,
        story.now + Duration::from_millis(1)
    );
    assert!(
        cargo[3]
            .events
            .iter()
            .any(|e| e.json.contains("incident_opened"))
    );
    assert_eq!(cargo[0].journal, reader.identity().await.expect("read"));

    let upto = shipments[1].seq;
    assert_eq!(reader.ship(upto, 1).await.expect("read"), shipments[2..3]);
    story.journal.shipped(upto).await.expect("forgotten");
    assert_eq!(reader.ship_state().await.expect("read").0, 2);
    story.journal.shipped(u64::MAX).await.expect("forgotten");
    story.reopen().await;
    let reader = story.journal.reader();
    story.look_without_plan().await;
    let next = reader.ship(0, 100).await.expect("read");
    assert_eq!(
        next[0].seq,
        shipments[3].seq + 1,
        "a number is never given twice"
    );
}

#[tokio::test]
async fn too_much_for_the_archive_drops_the_oldest_and_remembers_the_gap() {
    let mut story = Story::begin().await;
    story.archived = true;
    for _ in 0..10 {
        story.look("db", Pass).await;
    }
    story.journal.close().await;
    let conn = super::super::schema::writer(&story.file(), false).expect("opens");
    let mut desk = store::Store::load(conn, &story.file()).expect("loads");
    desk.transact(|d| ship::bound(d.conn, &mut d.heads, 10, (4, i64::MAX)))
        .expect("bounded");
    assert!(!desk.heads.introduced);
    assert_eq!(
        meta::read(&desk.conn, meta::GAP_BATCHES).expect("read"),
        Some(6)
    );
    desk.transact(|d| ship::bound(d.conn, &mut d.heads, 10, (4, 1)))
        .expect("bounded");
    drop(desk);
    story.reopen().await;
    let reader = story.journal.reader();
    assert_eq!(reader.waiting().await.expect("read").dropped, 9);
    assert_eq!(
        reader.ship_state().await.expect("read").0,
        1,
        "the newest stays"
    );
}

impl Story {
    /// A batch that needs no plan.
    async fn look_without_plan(&mut self) {
        let (from, to) = (self.now, self.now);
        let input = crate::core::input::Input::ClockSet { from, to };
        self.tell(input).await.expect("written");
    }
}
