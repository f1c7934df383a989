//! Pings of this host.

use belfry::core::outcome::Verdict;

use crate::{look, said, text};

/// Whether the system lets us ping at all.
fn may_ping() -> bool {
    use socket2::{Domain, Protocol, Socket, Type};
    Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4)).is_ok()
}

#[tokio::test]
async fn this_host_answers_or_we_are_told_how_to_be_let() {
    let outcome = look("icmp = { host = \"127.0.0.1\", interval = \"10ms\" }").await;
    if !may_ping() {
        assert_eq!(
            said(&outcome),
            "unknown: we may not ping; run: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""
        );
        return;
    }
    assert_eq!(text(&outcome), "3 of 3 came back in T");
    let metrics = outcome.metrics.as_deref().unwrap_or_default();
    let names: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["loss", "least", "mean", "most"]);
    let six = look("icmp = { host = \"::1\", count = 1 }").await;
    if six.verdict != Verdict::Unknown {
        assert_eq!(text(&six), "1 of 1 came back in T");
    }
}

#[tokio::test]
async fn a_host_that_nobody_has_never_passes() {
    // TEST-NET-1 (RFC 5737): no way there is unknown, silence and "no route" fail.
    let outcome = look("icmp = { host = \"192.0.2.1\", count = 1, wait = \"100ms\" }").await;
    let verdict = outcome.verdict;
    assert!(
        matches!(verdict, Verdict::Fail | Verdict::Unknown),
        "{}",
        said(&outcome)
    );
}
