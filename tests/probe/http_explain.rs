//! Web pages: every assertion is explained, whether it holds or not.

use belfry::core::outcome::{Outcome, Verdict};

use crate::http_way::{CA, nginx};
use crate::server::{Server, page};
use crate::{PATIENT, env, probe, text};

/// What is asserted of an answer by these keys: `verdict what: expected, found`.
async fn explained(url: &str, keys: &str) -> (Outcome, Vec<String>) {
    let text = format!("http = {{ url = \"{url}\", {keys} }}");
    let (outcome, findings) = probe(&text).explain(&env(), PATIENT).await;
    let told = findings.iter().map(|f| {
        let (verdict, what) = (f.verdict.word(), &f.what);
        format!("{verdict} {what}: {}, {}", f.expected, f.found)
    });
    (outcome, told.collect())
}

/// A page of 1994 that says hello, with two headers of one name.
async fn old_page() -> Server {
    Server::http(|_| async {
        let mut page = page(200, "hello");
        let headers = page.headers_mut();
        for (name, value) in [
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("via", "1.1 near"),
            ("via", "1.1 far"),
        ] {
            headers.append(name, value.parse().expect("it is a value"));
        }
        page
    })
    .await
}

#[tokio::test]
async fn what_is_as_it_should_be() {
    let server = old_page().await;
    let sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let keys = format!(
        "status = [200, 204], body = \"ell\", body_not = \"bye\", size_warn = \"1KiB\", size_min = \"5B\", \
         checksum = \"{sum}\", expect_headers = {{ via = \"far\", x-a = false }}, version = \"1.1\", \
         location = \"^http://\", slow_fail = \"1h\""
    );
    let (outcome, told) = explained(&server.url("/"), &keys).await;
    assert_eq!(outcome.verdict, Verdict::Pass);
    let (timed, told): (Vec<_>, Vec<_>) = told.into_iter().partition(|one| one.contains("time"));
    assert!(
        timed[0].starts_with("pass time: at most 1 h, "),
        "{timed:?}"
    );
    assert_eq!(
        told,
        [
            "pass status: 200 or 204, 200 OK",
            "pass body: /ell/, hello",
            "pass version: HTTP/1.1, HTTP/1.1",
            "pass body: not /bye/, hello",
            "pass size: below 1 KiB, 5 B",
            "pass size: at least 5 B, 5 B",
            &format!("pass checksum: {sum}, {sum}"),
            &format!("pass location: /^http:///, {}", server.url("/")),
            "pass header via: /far/, 1.1 far",
            "pass header x-a: none, none",
        ]
    );
}

#[tokio::test]
async fn what_is_not_as_it_should_be() {
    let server = old_page().await;
    let keys = "size_fail = \"2B\", age_warn = \"1d\", expect_headers = { via = { not = \"far\" }, x-a = true }";
    let (outcome, told) = explained(&server.url("/"), keys).await;
    assert_eq!(
        text(&outcome),
        "200 OK in T, but the body has 5 B (fail at 2 B), via \"1.1 far\" matches /far/, there is no header x-a, \
         it was modified more than 1 d ago"
    );
    assert_eq!(
        told[1..told.len() - 1],
        [
            "fail size: below 2 B, 5 B",
            "fail header via: not /far/, 1.1 far",
            "fail header x-a: there, none",
        ]
    );
    let last = told.last().expect("there are some");
    let before = "warn last modified: less than 1 d ago, ";
    assert!(last.starts_with(before) && last.ends_with(" ago"), "{last}");
}

#[tokio::test]
async fn a_share_of_looks_from_too_few_on() {
    let server = old_page().await;
    let text = format!(
        "http = {{ url = \"{}\", p50 = {{ warn = \"1h\", of = 2 }} }}",
        server.url("/")
    );
    let (probe, env) = (probe(&text), env());
    let mut told = Vec::new();
    for _ in 0..2 {
        let (_, findings) = probe.explain(&env, PATIENT).await;
        let last = findings.last().expect("there are some").clone();
        told.push(format!("{}: {}, {}", last.what, last.expected, last.found));
    }
    assert_eq!(
        told[0],
        "p50: below 1 h of 2 looks, looks so far: 1, judged from 2 on"
    );
    assert!(
        told[1].starts_with("p50: below 1 h of 2 looks, "),
        "{told:?}"
    );
    assert!(told[1].ends_with("ms"), "{told:?}");
}

#[tokio::test]
async fn certificates_and_pins() {
    let server = nginx(true).await;
    let ca = CA.replace("FOLDER", &server.folder.path().display().to_string());
    let pin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let url = format!("https://localhost:{}/", server.port);
    let keys = format!("{ca}, certificate_days = 90");
    let (outcome, told) = explained(&url, &keys).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    let [_, leaf, authority] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(
        leaf.starts_with("warn certificate: valid for 90 days, fails at 3, until 20"),
        "{leaf}"
    );
    assert!(leaf.ends_with(", 80 days"), "{leaf}");
    let before = "pass authority Test R3: valid for 90 days, fails at 3, until 20";
    assert!(authority.starts_with(before), "{authority}");
    assert!(authority.ends_with(", 400 days"), "{authority}");

    let (outcome, told) = explained(&url, &format!("{ca}, pin = \"{pin}\"")).await;
    let found = outcome.message();
    let found = found.split_whitespace().last().expect("it is told");
    assert_eq!(told, [format!("fail pin: {pin}, {found}")]);
}
