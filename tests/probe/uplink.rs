//! Canaries in a network of our own, with and without somebody at the other end.

use std::fs;

use crate::inside::{Inside, NOBODY};

/// A line to a neighbour, who does not answer; everybody may ping.
const LINE: &str = "ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 10.77.0.2/24 dev v0; \
                    ip link set v0 up; echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range; \
                    mount --bind resolv.conf /etc/resolv.conf";
/// The neighbour, in a network of its own.
const NEIGHBOUR: &str = "unshare --net sleep 600 & other=$!; \
                         until [ \"$(readlink /proc/$other/ns/net)\" != \"$(readlink /proc/$$/ns/net)\" ]; do sleep 0.01; done; \
                         ip link set v1 netns $other; nsenter --net=/proc/$other/ns/net \
                         sh -c 'ip addr add 10.77.0.1/24 dev v1; ip link set v1 up; ip link set lo up'; \
                         ip route add default via 10.77.0.1";

/// What is said after `script`; the neighbour is gone afterwards.
fn said(canaries: &str, servers: &str, script: &str) -> Option<String> {
    let inside = Inside::new();
    fs::write(inside.path().join("resolv.conf"), servers).expect("there is room");
    let text = format!(
        "[isolation]\ncanaries = [{canaries}]\n[check.\"belfry.uplink\"]\ntimeout = \"2s\"\n"
    );
    let ended = "\"$@\" || true; [ -z \"$other\" ] || kill $other";
    inside.apart_with("belfry.uplink", &text, &format!("{script}; {ended}"))
}

#[test]
fn whoever_answers_shows_that_there_is_an_uplink() {
    let both = format!("{LINE}; {NEIGHBOUR}");
    for (canaries, servers, who) in [
        ("\"icmp://10.77.0.1\"", "", "10.77.0.1"),
        ("\"tcp://10.77.0.1:80\"", "", "10.77.0.1:80"),
        ("\"dns://10.77.0.1\"", "", "the name server 10.77.0.1"),
        ("\"gateway\"", "", "the gateway 10.77.0.1"),
        (
            "\"resolver\"",
            "nameserver 10.77.0.1\n",
            "the name server 10.77.0.1",
        ),
    ] {
        let Some(told) = said(canaries, servers, &both) else {
            return;
        };
        assert!(
            told.starts_with(&format!("pass: {who} answers in ")),
            "{canaries}: {told}"
        );
    }
}

#[test]
fn silence_of_whom_the_configuration_names_is_isolation_and_that_of_others_is_not() {
    let routed = format!("{LINE}; ip link set v1 up; ip route add default via 10.77.0.1");
    for (canaries, servers, script, told) in [
        (
            "\"icmp://10.77.0.1\"",
            "",
            routed.as_str(),
            "fail: isolated: 10.77.0.1 does not answer pings",
        ),
        (
            "\"icmp://10.77.0.1\"",
            "",
            &format!("{LINE}; ip link del v0"),
            "fail: isolated: 10.77.0.1 does not answer pings",
        ),
        (
            "\"tcp://10.77.0.1:80\", \"dns://10.77.0.1\"",
            "",
            &routed,
            "fail: isolated: 10.77.0.1:80 does not answer; the name server 10.77.0.1 does not answer",
        ),
        (
            "\"gateway\", \"resolver\"",
            "nameserver 10.77.0.53\n",
            &routed,
            "pass: the gateway 10.77.0.1 and the name server 10.77.0.53 never answered yet, so nothing is taken for isolation",
        ),
        (
            "\"gateway\", \"resolver\"",
            "nameserver 127.0.0.53\n",
            LINE,
            "pass: no gateway and no name server beyond this machine, so nothing is taken for isolation",
        ),
    ] {
        let Some(found) = said(canaries, servers, script) else {
            return;
        };
        assert_eq!(found, told, "{canaries}");
    }
}

#[test]
fn where_we_may_not_ask_nothing_is_known() {
    let denied =
        format!("{LINE}; echo '1 0' >/proc/sys/net/ipv4/ping_group_range; set -- {NOBODY} \"$@\"");
    let Some(told) = said("\"icmp://10.77.0.1\"", "", &denied) else {
        return;
    };
    assert_eq!(
        told,
        "unknown: nobody could be asked: we may not ping; run: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""
    );
}
