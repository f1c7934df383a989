//! Web pages: those that send on to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::{Server, page, redirect};
use crate::{assert_fails, look, text};

#[tokio::test]
async fn redirects_are_followed_and_secrets_stay_at_home() {
    let server = Server::http(|request| async move {
        let port = request.headers()["host"]
            .to_str()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned();
        match request.uri().path() {
            "/beside" => redirect(302, "end"),
            "/away" => redirect(307, &format!("http://localhost:{port}/end")),
            "/astray" => redirect(307, &format!("http://localhost:{port}/broken")),
            "/broken" => page(500, "broken".to_owned()),
            _ => {
                let key = request
                    .headers()
                    .get("x-key")
                    .map_or("none", |key| key.to_str().unwrap());
                page(200, format!("key={key}"))
            }
        }
    })
    .await;
    for (path, key) in [("/beside", "abc"), ("/away", "none")] {
        let url = server.url(path);
        let keys = format!("headers = {{ X-Key = \"abc\" }}, body = \"^key={key}$$\"");
        let outcome = look(&format!("http = {{ url = \"{url}\", {keys} }}")).await;
        assert_eq!(text(&outcome), "200 OK in T", "{path}");
    }
    let url = server.url("/astray");
    let outcome = look(&format!("http = {{ url = \"{url}\" }}")).await;
    let port = server.address.port();
    assert_fails(&outcome, "500 Internal Server Error in");
    assert_fails(
        &outcome,
        &format!(", from localhost:{port}, where it redirects to"),
    );
    let url = server.url("/beside");
    let outcome = look(&format!("http = {{ url = \"{url}\", redirects = 0 }}")).await;
    assert_fails(&outcome, "302 Found");
    assert_fails(&outcome, "redirects to end");
    let outcome = look(&format!("http = {{ url = \"{url}\", status = [302] }}")).await;
    assert_eq!(text(&outcome), "302 Found in T");
}

#[tokio::test]
async fn redirects_lead_neither_round_and_round_nor_into_our_own_house() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = Server::http(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            match request.uri().path() {
                "/file" => redirect(302, "file:///etc/passwd"),
                "/cloud" => redirect(302, "http://169.254.169.254/latest/meta-data/"),
                "/nowhere" => page(302, ""),
                _ => redirect(302, "/loop"),
            }
        }
    })
    .await;
    for (path, part) in [
        (
            "/file",
            "redirects to \"file:///etc/passwd\", not an http or https address",
        ),
        (
            "/cloud",
            "redirects to 169.254.169.254:80, a link-local address",
        ),
        ("/nowhere", "302 without a location header"),
    ] {
        assert_fails(
            &look(&format!("http.url = \"{}\"", server.url(path))).await,
            part,
        );
    }
    asked.store(0, Ordering::Relaxed);
    assert_fails(
        &look(&format!("http.url = \"{}\"", server.url("/loop"))).await,
        "more than 5 redirects",
    );
    assert_eq!(asked.load(Ordering::Relaxed), 6);
}
