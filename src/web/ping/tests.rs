//! Stories about the addresses of pings.

use super::*;

#[test]
fn an_address_names_a_heartbeat_and_a_signal() {
    let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
    let known = Uuid::try_parse(uuid).expect("a uuid");
    for (action, signal) in [
        ("", Some(Signal::Success)),
        ("/", Some(Signal::Success)),
        ("/start", Some(Signal::Start)),
        ("/fail", Some(Signal::Fail)),
        ("/log", Some(Signal::Log)),
        ("/0", Some(Signal::Exit(0))),
        ("/007", Some(Signal::Exit(7))),
        ("/255", Some(Signal::Exit(255))),
        ("/256", None),
        ("/99999999999999999999999", None),
    ] {
        assert_eq!(
            address(&format!("{uuid}{action}")),
            Some((Whose::Uuid(known), signal)),
            "{action}"
        );
    }
    for rest in [
        String::new(),
        "x".to_owned(),
        uuid.replace('-', ""),
        format!("{{{uuid}}}"),
        format!("{uuid}/start/"),
        format!("{uuid}//"),
        format!("{uuid}/start/"),
        "key/".to_owned(),
        "key/backup/".to_owned(),
        "key/backup/stop".to_owned(),
        "key/backup/start/now".to_owned(),
        "k.y/backup".to_owned(),
        "key/back%20up".to_owned(),
    ] {
        assert_eq!(address(&rest), None, "{rest}");
    }
}

#[test]
fn an_address_with_a_key_names_a_heartbeat_by_its_name() {
    let key = "kB2d0xQ8mT-4_zzW1abcDE";
    for (action, signal) in [
        ("", Some(Signal::Success)),
        ("/start", Some(Signal::Start)),
        ("/fail", Some(Signal::Fail)),
        ("/log", Some(Signal::Log)),
        ("/7", Some(Signal::Exit(7))),
        ("/256", None),
    ] {
        let whose = Whose::Name {
            key,
            name: "nightly-backup",
        };
        let rest = format!("{key}/nightly-backup{action}");
        assert_eq!(address(&rest), Some((whose, signal)), "{action}");
    }
    // A key may look like a UUID; then only what is no action is a name.
    let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
    let rest = format!("{uuid}/backup");
    let (whose, _) = address(&rest).expect("an address");
    let name = "backup";
    assert_eq!(whose, Whose::Name { key: uuid, name });
}

#[test]
fn a_late_ping_says_when_it_happened_within_reason() {
    let now = Time::from_millis(1_795_435_200_000);
    let ago = |minutes| now - Duration::from_mins(minutes);
    let at = |time: Time| format!("rid=7&at={}", time.millis());
    let of = |query: &str| happened(Some(query), now).expect("a time");
    assert_eq!(happened(None, now), Ok(now));
    assert_eq!(of(&at(ago(9))), ago(9));
    assert_eq!(of(&at(now + Duration::from_mins(9))), now);
    assert_eq!(of("at=0"), now - OLDEST);
    for unclear in ["at=yesterday", "at=", "at=99999999999999999999"] {
        assert!(happened(Some(unclear), now).is_err(), "{unclear}");
    }
}

#[test]
fn a_run_id_is_a_uuid_in_either_case() {
    let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
    let known = Uuid::try_parse(uuid).ok();
    assert_eq!(run_id(None), Ok(None));
    assert_eq!(run_id(Some("create=1")), Ok(None));
    assert_eq!(run_id(Some(&format!("a=b&rid={uuid}"))), Ok(known));
    assert_eq!(
        run_id(Some(&format!("rid={}", uuid.to_uppercase()))),
        Ok(known)
    );
    for query in ["rid=", "rid=7", "rid=5d2f1a1e7f3d4a539d3a0c8c0f4d2a11"] {
        assert_eq!(run_id(Some(query)), Err(()), "{query}");
    }
}
