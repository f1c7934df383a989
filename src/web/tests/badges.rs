//! Stories about badges.

use super::*;

#[tokio::test]
async fn a_badge_is_a_picture_a_json_and_a_shield() {
    let town = Town::found(Limits::default()).await;
    // The story is of another day: what it expected is late by now.
    let ping = town.get(&format!("/ping/{}", story::BEAT)).await;
    assert_eq!(ping.status, 200);
    for (name, word, colour) in [
        ("postgres", "down", "critical"),
        ("nightly-backup", "up", "success"),
    ] {
        let svg = town.get(&town.badge(name, "svg")).await;
        assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
        assert_eq!(svg.header("cache-control"), Some("public, max-age=30"));
        assert_eq!(svg.header("access-control-allow-origin"), Some("*"));
        assert!(
            svg.body.contains(&format!(">{word}</text>")),
            "{}",
            svg.body
        );
        let json = town.get(&town.badge(name, "json")).await.body;
        let said: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((&said["status"], &said["total"]), (&word.into(), &1.into()));
        let shield = town.get(&town.badge(name, "shields")).await.body;
        let said: serde_json::Value = serde_json::from_str(&shield).expect("JSON");
        assert_eq!(said["schemaVersion"], 1);
        assert_eq!(
            (&said["label"], &said["message"]),
            (&name.into(), &word.into())
        );
        assert_eq!(said["color"], colour);
    }
    let all = town.get(&town.badge_of_tag("*", "json")).await;
    assert!(all.body.contains("\"status\":\"up\""), "{}", all.body);
}

#[tokio::test]
async fn a_badge_is_shown_to_whoever_has_its_address_and_is_no_way_to_ping() {
    let town = Town::found(Limits::default()).await;
    let address = town.badge("postgres", "svg");
    let other = address.replace("postgres", "shop");
    for path in [
        other,
        address.replace("/badge/", "/badge/tag/"),
        address.replace(".svg", ".png"),
        address.replace("/postgres", ""),
        format!("/badge/{}/nightly-backup.svg", story::BEAT),
        town.badge("nobody", "svg"),
        town.badge_of_tag("nobody", "svg"),
    ] {
        assert_eq!(town.get(&path).await.status, 404, "{path}");
    }
    let beat = town.get(&town.badge("nightly-backup", "svg")).await;
    assert!(!beat.body.contains(&story::BEAT.to_string()));
    // By a name that is not ours it is not there, as the pages are not.
    let elsewhere = town
        .ask("GET", &address, "host: evil.example\r\n", "")
        .await;
    assert_eq!(elsewhere.status, 421);
}
