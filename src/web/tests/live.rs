//! Stories about pages that keep themselves up to date.

use tokio::io::AsyncWriteExt;

use super::*;

async fn listen(town: &Town) -> TcpStream {
    let mut stream = town.connect().await;
    let request = format!("GET /events HTTP/1.1\r\nhost: {}\r\n\r\n", town.address);
    stream.write_all(request.as_bytes()).await.expect("open");
    let greeting = read_until(&mut stream, "retry: 2000").await;
    assert!(greeting.contains("text/event-stream"), "{greeting}");
    stream
}

#[tokio::test]
async fn a_change_reaches_whoever_listens() {
    let town = Town::found(short()).await;
    let mut stream = listen(&town).await;
    let shop = town.view.borrow().engine.named("shop").expect("a check").id;
    assert_eq!(town.press("/checks/shop/pause").await.status, 303);
    let text = read_until(&mut stream, "event: changed").await;
    let row = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str::<serde_json::Value>(data).ok())
        .find(|data| data["id"] == format!("check-{shop}"))
        .expect("the row of the check");
    assert!(
        row["html"]
            .as_str()
            .is_some_and(|html| html.contains("paused")),
        "{row}"
    );
    let seen = async {
        while town.vitals.watchers.value() != 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, seen).await.expect("it is counted");
}

#[tokio::test]
async fn a_new_frame_of_the_page_makes_everybody_load_it_anew() {
    let town = Town::found(short()).await;
    let mut stream = listen(&town).await;
    let mut facts = Facts::clone(&town.facts.borrow());
    facts.notice = Some("the configuration was refused".into());
    town.facts.send_replace(Arc::new(facts));
    read_until(&mut stream, "event: reload").await;
}

#[tokio::test]
async fn a_listener_that_goes_away_frees_its_seat() {
    let town = Town::found(short()).await;
    let stream = listen(&town).await;
    drop(stream);
    let gone = async {
        while town.vitals.connections.value() != 0 || town.vitals.watchers.value() != 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("nobody listens");
}
