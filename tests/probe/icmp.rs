//! Pings, in a network of its own: where they are let or not, answered, counted, delayed and barred.

use crate::room::assert_says;

#[test]
fn who_may_not_ping_is_told_how_to_be_let() {
    // As it is in every new network.
    assert_says(
        "belfry",
        "check.lo.icmp.host = \"127.0.0.1\"",
        &[(
            "lo",
            "unknown: we may not ping; run: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
        )],
    );
}

#[test]
fn this_host_answers() {
    assert_says(
        "may_ping; belfry",
        r#"
check.four.icmp = { host = "127.0.0.1", interval = "10ms" }
check.six.icmp = { host = "::1", interval = "10ms" }
check.name.icmp = { host = "localhost", ip = "4", count = 1, size = 1452 }
check.warn.icmp = { host = "127.0.0.1", count = 1, loss_warn = 0 }
"#,
        &[
            ("four", "pass: 3 of 3 came back in *"),
            ("six", "pass: 3 of 3 came back in *"),
            ("name", "pass: 1 of 1 came back in *"),
            (
                "warn",
                "warn: 1 of 1 came back in *, loss 0 % (warn at 0 %)",
            ),
        ],
    );
}

#[test]
fn what_is_lost_is_counted() {
    // The kernel there sends six replies, and then one every ten seconds (icmp(7), icmp_ratelimit).
    let laid = "may_ping; neighbour; there sysctl -qw net.ipv4.icmp_ratemask=1 net.ipv4.icmp_ratelimit=10000; ";
    assert_says(
        &[laid, "belfry some; belfry all"].concat(),
        r#"
check.some.icmp = { host = "10.9.0.2", interval = "10ms", wait = "50ms", count = 8 }
check.all.icmp = { host = "10.9.0.2", interval = "10ms", wait = "50ms" }
"#,
        &[
            (
                "some",
                "warn: 6 of 8 came back in *, loss 25 % (warn at 20 %)",
            ),
            (
                "all",
                "fail: 10.9.0.2 does not answer (none of 3 came back)",
            ),
        ],
    );
    assert_says(
        &[laid, "belfry"].concat(),
        "check.half.icmp = { host = \"10.9.0.2\", interval = \"10ms\", wait = \"50ms\", count = 12, loss_fail = 50 }",
        &[(
            "half",
            "fail: 6 of 12 came back in *, loss 50 % (fail at 50 %)",
        )],
    );
}

#[test]
fn a_slow_way_is_told_by_its_times() {
    // The other machine says where it is a while after it was asked; the request waits for that.
    assert_says(
        "may_ping; neighbour
         sysctl -qw net.ipv4.neigh.here.retrans_time_ms=20 net.ipv4.neigh.here.mcast_solicit=250
         slowly() {
             there sysctl -qw net.ipv4.conf.there.arp_ignore=8
             ip neigh flush dev here
             belfry $1 &
             until ip neigh show dev here | grep -q INCOMPLETE; do sleep 0.01; done
             sleep 0.2
             there sysctl -qw net.ipv4.conf.there.arp_ignore=0
             wait $!
         }
         slowly warn; slowly fail",
        r#"
check.warn.icmp = { host = "10.9.0.2", count = 1, wait = "4s", mean_warn = "100ms" }
check.fail.icmp = { host = "10.9.0.2", count = 1, wait = "4s", least_warn = "100ms", most_fail = "150ms" }
"#,
        &[
            ("warn", "warn: 1 of 1 came back in *(warn at 100 ms)"),
            ("fail", "fail: 1 of 1 came back in *(warn at 100 ms)"),
        ],
    );
}

#[test]
fn what_is_said_on_the_way_is_told() {
    assert_says(
        "may_ping; neighbour
         ip route add unreachable 192.0.2.1; ip route add prohibit 192.0.2.2
         there sysctl -qw net.ipv4.ip_forward=1; there ip route add prohibit 198.51.100.0/24; belfry",
        r#"
check.unreachable.icmp = { host = "192.0.2.1", count = 1 }
check.prohibited.icmp = { host = "192.0.2.2", count = 1 }
check.barred.icmp = { host = "198.51.100.1", count = 2, interval = "200ms", wait = "200ms" }
check.nowhere.icmp = { host = "2001:db8::1", count = 1 }
"#,
        &[
            (
                "unreachable",
                "fail: 192.0.2.1 cannot be reached (no route to host)",
            ),
            (
                "prohibited",
                "unknown: we may not connect there (permission denied); look at our firewall and unit",
            ),
            (
                "barred",
                "fail: 198.51.100.1 does not answer: 198.51.100.1 cannot be reached (no route to host)",
            ),
            (
                "nowhere",
                "unknown: our network has no way there (network unreachable)",
            ),
        ],
    );
}
