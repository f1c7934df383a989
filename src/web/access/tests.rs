use http::Request;

use super::*;
use crate::web::token::Token;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn reached() -> Reached {
    Reached {
        listen: vec!["192.0.2.7:8080".parse().expect("an address")],
        names: vec!["web-1".to_owned(), "Status.example.org".to_owned()],
        is_published: false,
    }
}

fn is_operator(peer: IpAddr, request: &Parts) -> bool {
    standing(&reached(), |_| false, request, peer).is_operator()
}

#[test]
fn an_operator_asks_from_this_machine_by_a_name_of_this_machine() {
    for (peer, host, may) in [
        (HERE, "localhost:8080", true),
        (HERE, "LocalHost.", true),
        (HERE, "127.0.0.1:8080", true),
        (HERE, "127.9.9.9", true),
        (HERE, "[::1]:8080", true),
        (HERE, "[::1]", true),
        (HERE, "192.0.2.7:8080", true),
        (HERE, "192.0.2.7:81", false),
        (HERE, "192.0.2.8:8080", false),
        (HERE, "web-1:8080", false),
        (HERE, "evil.example", false),
        (HERE, "evil.example:8080", false),
        (HERE, "localhost.evil.example", false),
        (HERE, "127.0.0.1.evil.example", false),
        (HERE, "notlocalhost", false),
        (HERE, "", false),
        (IpAddr::from([192, 0, 2, 9]), "localhost:8080", false),
        (
            "::ffff:127.0.0.1".parse().expect("an address"),
            "localhost",
            true,
        ),
    ] {
        let request = parts(&[("host", host)]);
        assert_eq!(is_operator(peer, &request), may, "{peer} {host}");
    }
    assert!(!is_operator(HERE, &parts(&[])));
    let two = parts(&[("host", "localhost"), ("host", "localhost")]);
    assert!(!is_operator(HERE, &two));
    let mut torn = parts(&[("host", "localhost")]);
    torn.uri = "http://evil.example/".parse().expect("an address");
    assert!(!is_operator(HERE, &torn));
}

#[test]
fn who_comes_through_a_proxy_does_not_sit_here() {
    for header in [
        "x-forwarded-for",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "x-forwarded-host",
        "x-forwarded-proto",
        "CF-Connecting-IP",
    ] {
        let request = parts(&[("host", "127.0.0.1:8080"), (header, "192.0.2.9")]);
        assert!(!is_operator(HERE, &request), "{header}");
    }
}

#[test]
fn a_proxy_that_hides_itself_gives_nobody_rights() {
    // As nginx asks with nothing but `proxy_pass http://127.0.0.1:8080`.
    for version in [Version::HTTP_09, Version::HTTP_10] {
        let mut request = parts(&[("host", "127.0.0.1:8080"), ("connection", "close")]);
        request.version = version;
        assert!(!is_operator(HERE, &request), "{version:?}");
    }
    let published = Reached {
        is_published: true,
        ..reached()
    };
    let request = parts(&[("host", "127.0.0.1:8080")]);
    assert_eq!(
        standing(&published, |_| false, &request, HERE),
        Standing::Reader
    );
}

#[test]
fn the_token_makes_an_operator_from_anywhere_and_a_wrong_one_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = Token::open(folder.path()).expect("a token");
    let text = std::fs::read_to_string(folder.path().join(Token::FILE));
    let text = text.expect("it is written").trim().to_owned();
    let published = Reached {
        is_published: true,
        ..reached()
    };
    let asks = |value: &str, peer| {
        let mut request = parts(&[("host", "x"), ("x-forwarded-for", "192.0.2.9")]);
        request.version = Version::HTTP_10;
        let value = value.parse().expect("a header");
        request.headers.insert(AUTHORIZATION, value);
        standing(&published, |shown| token.is(shown), &request, peer)
    };
    let far = IpAddr::from([192, 0, 2, 9]);
    assert_eq!(asks(&format!("Bearer {text}"), far), Standing::Token);
    assert_eq!(asks(&format!("bearer {text}"), HERE), Standing::Token);
    for wrong in [
        text.clone(),
        format!("Basic {text}"),
        format!("Bearer {text}0"),
        format!("Bearer {}", text.to_uppercase()),
        "Bearer ".to_owned(),
    ] {
        assert_eq!(asks(&wrong, far), Standing::Reader, "{wrong}");
    }
    // Who shows a wrong one is not let in for sitting here.
    let request = parts(&[("host", "localhost"), ("authorization", "Bearer x")]);
    assert_eq!(
        standing(&reached(), |shown| token.is(shown), &request, HERE),
        Standing::Reader
    );
    assert_eq!(
        standing(&reached(), |_| false, &request, far),
        Standing::Reader
    );
}

#[test]
fn foreign_pages_change_nothing() {
    let host = ("host", "localhost:8080");
    let ours = ("origin", "http://localhost:8080");
    for (headers, may) in [
        (vec![host], false),
        (vec![host, ours], true),
        (vec![host, ("origin", "http://localhost:3000")], false),
        (vec![host, ("origin", "https://localhost:8080")], false),
        (vec![host, ("origin", "http://evil.example")], false),
        (vec![host, ("origin", "null")], false),
        (vec![host, ours, ours], false),
        (vec![host, ours, ("sec-fetch-site", "same-origin")], true),
        (vec![host, ours, ("sec-fetch-site", "none")], true),
        (vec![host, ours, ("sec-fetch-site", "same-site")], false),
        (vec![host, ours, ("sec-fetch-site", "cross-site")], false),
        (
            vec![host, ("origin", "null"), ("sec-fetch-site", "same-origin")],
            false,
        ),
        (vec![host, ("sec-fetch-site", "none")], false),
        (vec![ours], false),
    ] {
        assert_eq!(is_same_origin(&parts(&headers)), may, "{headers:?}");
    }
}

#[test]
fn a_name_that_was_made_to_point_here_reads_nothing() {
    for (host, known) in [
        ("localhost:8080", true),
        ("shop.localhost", true),
        ("127.0.0.1:8080", true),
        ("192.0.2.99", true),
        ("[2001:db8::1]:8080", true),
        ("WEB-1:8080", true),
        ("status.example.org", true),
        ("status.example.org.", true),
        ("evil.example:8080", false),
        ("localhost.evil.example", false),
        ("web-1.evil.example", false),
        ("127.0.0.1.evil.example", false),
        ("", false),
    ] {
        let request = parts(&[("host", host)]);
        assert_eq!(!is_misdirected(&reached(), &request, HERE), known, "{host}");
        let far = IpAddr::from([192, 0, 2, 9]);
        assert!(!is_misdirected(&reached(), &request, far), "{host}");
    }
    assert!(!is_misdirected(&reached(), &parts(&[]), HERE));
    let two = parts(&[("host", "localhost"), ("host", "evil.example")]);
    assert!(is_misdirected(&reached(), &two, HERE));
}

#[test]
fn behind_a_proxy_on_this_machine_it_is_the_last_address_that_counts() {
    let far = IpAddr::from([192, 0, 2, 9]);
    let from = |value: &str, peer| {
        let request = parts(&[("x-forwarded-for", value)]);
        origin(&request.headers, peer)
    };
    assert_eq!(from("198.51.100.1, 192.0.2.9", HERE), far);
    assert_eq!(from("2001:db8::1", HERE).to_string(), "2001:db8::1");
    // Who comes by himself is who he is, whatever he says.
    assert_eq!(from("198.51.100.1", far), far);
    for unclear in ["", "unknown", "192.0.2.9:443", "192.0.2.9, x"] {
        assert_eq!(from(unclear, HERE), HERE, "{unclear}");
    }
    let mut twice = parts(&[("x-forwarded-for", "198.51.100.1")]);
    let second = "192.0.2.9".parse().expect("a header");
    twice.headers.append("x-forwarded-for", second);
    assert_eq!(origin(&twice.headers, HERE), far);
}
