//! Web pages: who asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belfry::core::outcome::Verdict;
use http_body_util::BodyExt;

use crate::server::{Server, page, read_head, redirect, write};
use crate::{PATIENT, assert_fails, env, look, look_briefly, probe, text};

#[tokio::test]
async fn what_logs_in_stays_at_home() {
    let server = Server::http(|request| async move {
        let named = |name: &str| {
            let value = request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or("none").to_owned()
        };
        let port = named("host")
            .rsplit(':')
            .next()
            .map(str::to_owned)
            .unwrap_or_default();
        match request.uri().path() {
            "/beside" => redirect(302, "/end"),
            "/away" => redirect(307, &format!("http://localhost:{port}/end")),
            _ => page(200, named("authorization")),
        }
    })
    .await;
    let basic = format!("Basic {}", STANDARD.encode("belfry:sesame"));
    for (keys, value) in [
        (
            "basic = { user = \"belfry\", password = \"sesame\" }",
            &*basic,
        ),
        ("bearer = \"abc.def\"", "Bearer abc.def"),
    ] {
        for (path, found) in [("/end", value), ("/beside", value), ("/away", "none")] {
            let url = server.url(path);
            let keys = format!("{keys}, body = \"^{found}$$\"");
            let outcome = look(&format!("http = {{ url = \"{url}\", {keys} }}")).await;
            assert_eq!(text(&outcome), "200 OK in T", "{path} {keys}");
        }
    }
}

/// A page, and where its tokens come from. Every token is good for the page until `revoke` is called.
struct Api {
    server: Server,
    /// How many tokens were given out; the last of them is the good one.
    given: Arc<AtomicU64>,
    /// The requests for tokens: their Authorization and their form.
    forms: Arc<Mutex<Vec<String>>>,
}

impl Api {
    async fn start(life: &'static str) -> Self {
        let (given, forms) = (Arc::new(AtomicU64::new(0)), Arc::default());
        let (counter, seen) = (Arc::clone(&given), Arc::clone(&forms));
        let server = Server::http(move |request| {
            let (given, forms): (_, Arc<Mutex<Vec<String>>>) =
                (Arc::clone(&counter), Arc::clone(&seen));
            async move {
                let (head, body) = request.into_parts();
                let value = head.headers.get("authorization");
                let value = value.and_then(|value| value.to_str().ok());
                let value = value.unwrap_or("none").to_owned();
                if head.uri.path() != "/token" {
                    let good = value == format!("Bearer t{}", given.load(Ordering::SeqCst));
                    return page(if good { 200 } else { 401 }, "");
                }
                let body = body.collect().await.expect("it is whole").to_bytes();
                let form = String::from_utf8_lossy(&body).into_owned();
                forms
                    .lock()
                    .expect("nobody panics")
                    .push(format!("{value} {form}"));
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                page(
                    200,
                    format!("{{\"access_token\":\"t{number}\",\"token_type\":\"Bearer\"{life}}}"),
                )
            }
        })
        .await;
        Self {
            server,
            given,
            forms,
        }
    }

    fn keys(&self, more: &str) -> String {
        format!(
            "http = {{ url = \"{}\", oauth2 = {{ token_url = \"{}\", client_id = \"a b\", \
             client_secret = \"s:ä\"{more} }} }}",
            self.server.url("/"),
            self.server.url("/token")
        )
    }

    fn asked(&self) -> usize {
        self.forms.lock().expect("nobody panics").len()
    }
}

#[tokio::test]
async fn a_token_is_kept_and_asked_for_anew_once_where_it_is_refused() {
    let api = Api::start(",\"expires_in\":3600").await;
    let (probe, env) = (probe(&api.keys("")), env());
    for _ in 0..3 {
        let outcome = probe.run(&env, PATIENT).await;
        assert_eq!(text(&outcome), "200 OK in T");
    }
    assert_eq!(api.asked(), 1);
    // All tokens so far are good no more.
    api.given.fetch_add(1, Ordering::SeqCst);
    let outcome = probe.run(&env, PATIENT).await;
    assert_eq!(text(&outcome), "200 OK in T");
    assert_eq!(api.asked(), 2);
    let names: Vec<_> = outcome.phases.iter().flat_map(|all| all.iter()).collect();
    assert!(
        names.iter().any(|phase| &*phase.name == "login"),
        "{names:?}"
    );
}

#[tokio::test]
async fn whether_there_was_a_token_is_explained() {
    let api = Api::start("").await;
    let told = async |keys: &str| {
        let (_, findings) = probe(keys).explain(&env(), PATIENT).await;
        let first = findings.first().expect("there are some").clone();
        format!("{}: {}, {}", first.what, first.expected, first.found)
    };
    let url = api.server.url("/token");
    let keys = api.keys("");
    assert_eq!(told(&keys).await, format!("token: one from {url}, one"));
    let none = api.server.url("/");
    let keys = keys.replace(
        &format!("token_url = \"{url}\""),
        &format!("token_url = \"{none}\""),
    );
    assert_eq!(
        told(&keys).await,
        format!("token: one from {none}, no token from {none}: 401 Unauthorized, without a reason")
    );
}

#[tokio::test]
async fn a_token_is_not_used_beyond_its_end() {
    for (life, asked) in [
        (",\"expires_in\":0", 2),
        ("", 1),
        (",\"expires_in\":\"3600\"", 1),
    ] {
        let api = Api::start(life).await;
        let (probe, env) = (probe(&api.keys("")), env());
        for _ in 0..2 {
            assert_eq!(text(&probe.run(&env, PATIENT).await), "200 OK in T");
        }
        assert_eq!(api.asked(), asked, "{life}");
    }
}

#[tokio::test]
async fn a_new_token_that_is_refused_is_a_refusal() {
    let server = Server::http(|request| async move {
        match request.uri().path() {
            "/token" => page(200, "{\"access_token\":\"t\",\"token_type\":\"bearer\"}"),
            _ => page(401, ""),
        }
    })
    .await;
    let keys = format!(
        "http = {{ url = \"{}\", oauth2 = {{ token_url = \"{}\", client_id = \"c\", client_secret = \"\" }} }}",
        server.url("/"),
        server.url("/token")
    );
    assert_fails(&look(&keys).await, "401 Unauthorized");
}

#[tokio::test]
async fn who_we_are_goes_in_the_header_or_in_the_body() {
    let api = Api::start("").await;
    let keys = api.keys(", scope = [\"read\", \"x y\"], audience = \"https://a/\"");
    assert_eq!(text(&look(&keys).await), "200 OK in T");
    let keys = api.keys(", credentials = \"body\"");
    assert_eq!(text(&look(&keys).await), "200 OK in T");
    let forms = api.forms.lock().expect("nobody panics");
    let header = format!("Basic {}", STANDARD.encode("a%20b:s%3A%C3%A4"));
    assert_eq!(
        *forms,
        [
            format!(
                "{header} grant_type=client_credentials&scope=read%20x%20y&audience=https%3A%2F%2Fa%2F"
            ),
            "none grant_type=client_credentials&client_id=a%20b&client_secret=s%3A%C3%A4"
                .to_owned(),
        ]
    );
}

#[tokio::test]
async fn where_there_is_no_token_it_is_not_said_of_the_page() {
    let page_ = Server::http(|_| async { page(200, "") }).await;
    let answers: [(u16, &str, &str); 6] = [
        (
            401,
            "{\"error\":\"invalid_client\"}",
            "401 Unauthorized, invalid_client",
        ),
        (503, "<html>", "503 Service Unavailable, without a reason"),
        (200, "<html>", "200 OK, and no JSON of a token"),
        (
            200,
            "{\"token_type\":\"bearer\"}",
            "200 OK, and no token that a header takes",
        ),
        (
            200,
            "{\"access_token\":\"a\\nb\",\"token_type\":\"bearer\"}",
            "200 OK, and no token that a header takes",
        ),
        (
            200,
            "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
            "200 OK, a token of the type \"mac\", not bearer",
        ),
    ];
    let keys = |token_url: String| {
        format!(
            "http = {{ url = \"{}\", oauth2 = {{ token_url = \"{token_url}\", client_id = \"c\", \
             client_secret = \"hunter2\" }} }}",
            page_.url("/")
        )
    };
    for (status, body, said) in answers {
        let server = Server::http(move |_| async move { page(status, body) }).await;
        let url = server.url("/token");
        let outcome = look(&keys(url.clone())).await;
        assert_fails(&outcome, &format!("no token from {url}: {said}"));
        assert!(!outcome.message().contains("hunter2"));
    }
    let port = crate::real::free_port();
    let url = format!("http://127.0.0.1:{port}/token");
    let outcome = look(&keys(url.clone())).await;
    assert_fails(
        &outcome,
        &format!("no token from {url}: nothing listens on 127.0.0.1:{port}"),
    );
    let silent = Server::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let outcome = look_briefly(&keys(silent.url("/token"))).await;
    assert_fails(&outcome, "no answer within 400 ms (logging in)");
}

#[tokio::test]
async fn the_time_of_a_token_is_none_of_the_page() {
    let server = Server::http(|request| async move {
        if request.uri().path() == "/token" {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        page(200, "{\"access_token\":\"t\",\"token_type\":\"bearer\"}")
    })
    .await;
    let outcome = look(&format!(
        "http = {{ url = \"{}\", oauth2 = {{ token_url = \"{}\", client_id = \"c\", client_secret = \"\" }} }}",
        server.url("/"),
        server.url("/token")
    ))
    .await;
    assert_eq!(outcome.verdict, Verdict::Pass);
    let login = outcome.phases.iter().flat_map(|all| all.iter());
    let login: u64 = login
        .filter(|p| &*p.name == "login")
        .map(|p| p.took_us)
        .sum();
    assert!(login >= 1_000_000, "{outcome:?}");
    let sum: u64 = outcome
        .phases
        .iter()
        .flat_map(|all| all.iter())
        .map(|p| p.took_us)
        .sum();
    let page = outcome.latency_us.expect("it was timed");
    assert!(page + login <= sum + 100_000, "{outcome:?}");
}

#[tokio::test]
async fn a_hostile_place_of_tokens_is_bounded_too() {
    let endless = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n").await;
        while write(&mut stream, &[b'a'; 16_384]).await {}
    })
    .await;
    let drip = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n").await;
        while write(&mut stream, b"x").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let away = Server::http(|_| async { redirect(307, "http://localhost:1/") }).await;
    let keys = |server: &Server| {
        format!(
            "http = {{ url = \"http://127.0.0.1:1/\", oauth2 = {{ token_url = \"{}\", client_id = \"c\", client_secret = \"\" }} }}",
            server.url("/token")
        )
    };
    assert_fails(
        &look(&keys(&endless)).await,
        "200 OK, and no JSON of a token",
    );
    assert_fails(&look_briefly(&keys(&drip)).await, "(logging in)");
    // Who we are is sent nowhere else.
    assert_fails(
        &look(&keys(&away)).await,
        "307 Temporary Redirect, without a reason",
    );
}
