//! What our own system says of the way to a target: what is ours is unknown, what is the target's fails.

use crate::room::assert_says;

const NO_WAY: &str = "unknown: our network has no way there (network unreachable)";

#[test]
fn no_way_of_ours_is_unknown_and_none_of_theirs_fails() {
    assert_says(
        "ip route add unreachable 192.0.2.1; ip route add prohibit 192.0.2.2; belfry",
        r#"
check.unreachable.tcp.address = "192.0.2.1:80"
check.prohibited.tcp.address = "192.0.2.2:80"
check.nowhere.tcp.address = "192.0.2.3:80"
check.six.tcp.address = "[2001:db8::1]:80"
check.page.http.url = "http://192.0.2.3/"
check.socket.websocket.url = "ws://192.0.2.3/"
check.call.grpc.address = "192.0.2.3:1"
check.datagram.udp = { address = "192.0.2.1:53", send = "a", expect = "b" }
check.time.ntp.server = "192.0.2.3"
check.name.dns = { name = "a.example", server = "192.0.2.3" }
check.both.udp = { address = "localhost:9", ip = "6", send = "a", expect = "b" }
"#,
        &[
            (
                "unreachable",
                "fail: 192.0.2.1:80 cannot be reached (no route to host)",
            ),
            (
                "prohibited",
                "unknown: we may not connect there (permission denied); look at our firewall and unit",
            ),
            ("nowhere", NO_WAY),
            ("six", NO_WAY),
            ("page", NO_WAY),
            ("socket", NO_WAY),
            ("call", NO_WAY),
            (
                "datagram",
                "fail: 192.0.2.1:53 cannot be reached (no route to host)",
            ),
            ("time", NO_WAY),
            ("name", NO_WAY),
            (
                "both",
                "fail: nothing listens on localhost:9 (connection refused)",
            ),
        ],
    );
}

#[test]
fn a_machine_that_is_gone_cannot_be_reached() {
    assert_says(
        "neighbour; sysctl -qw net.ipv4.neigh.here.retrans_time_ms=20 net.ipv4.neigh.here.mcast_solicit=1; belfry",
        "check.gone.tcp.address = \"10.9.0.3:80\"",
        &[(
            "gone",
            "fail: 10.9.0.3:80 cannot be reached (no route to host)",
        )],
    );
}

#[test]
fn where_we_may_open_no_more_files_nothing_is_known_of_the_target() {
    // Enough to begin with, and none for a connection.
    assert_says(
        "for most in $(seq 8 40); do (ulimit -n $most; belfry) >said 2>/dev/null; if grep -q EMFILE said; then break; fi; done; cat said",
        "check.page.tcp.address = \"127.0.0.1:1\"",
        &[(
            "page",
            "unknown: we have too many open files (EMFILE); raise LimitNOFILE= of our unit",
        )],
    );
}

/// A resolv.conf that says this.
fn resolver(says: &str) -> String {
    format!("printf '{says}' >resolv.conf; mount --bind resolv.conf /etc/resolv.conf; ")
}

const CHECK: &str = "check.a.dns.name = \"www.example\"\n";

#[test]
fn the_resolver_of_the_system_is_asked_and_is_no_target() {
    let unbound = "printf 'server:\\n username: \"\"\\n chroot: \"\"\\n pidfile: \"\"\\n use-syslog: no\\n \
                   module-config: \"iterator\"\\n local-zone: \"example.\" static\\n local-zone: \"other.\" refuse\\n \
                   local-data: \"www.example. 60 IN A 192.0.2.7\"\\n local-data: \"six.example. 60 IN AAAA 2001:db8::7\"\\n\
                   remote-control:\\n control-enable: no\\n' >unbound.conf
                   unbound -c $PWD/unbound.conf; ";
    let laid = [&resolver("nameserver 127.0.0.1\\n"), unbound, "belfry"].concat();
    let checks = [
        CHECK,
        "check.b.dns.name = \"none.example\"\ncheck.c.dns.name = \"www.other\"\n",
        "check.d.dns = { name = \"www.example\", transport = \"tcp\" }\n",
        "check.e.tcp = { address = \"six.example.:1\", ip = \"4\" }\n",
        "check.f.tcp = { address = \"www.other.:1\" }\n",
    ];
    assert_says(
        &laid,
        &checks.concat(),
        &[
            ("a", "pass: 192.0.2.7 in *"),
            ("b", "fail: none.example does not exist (NXDOMAIN)"),
            (
                "c",
                "unknown: 127.0.0.1:53 refuses to answer (REFUSED); look at /etc/resolv.conf",
            ),
            ("d", "pass: 192.0.2.7 in *"),
            ("e", "fail: name six.example. has no IPv4 address"),
            (
                "f",
                "unknown: the resolver refuses to answer us (REFUSED); look at /etc/resolv.conf",
            ),
        ],
    );
}

#[test]
fn a_resolver_that_is_not_there_says_nothing_of_a_name() {
    for (says, said) in [
        (
            "nameserver 127.0.0.1\\n",
            "unknown: nothing listens on 127.0.0.1:53 (connection refused); look at /etc/resolv.conf",
        ),
        (
            "nameserver 192.0.2.53\\n",
            "unknown: our network has no way there (network unreachable); look at /etc/resolv.conf",
        ),
        (
            "# nothing\\n",
            "unknown: the name servers of the system cannot be read: *no nameservers found in config; look at /etc/resolv.conf, or name a server",
        ),
        (
            "nameserver a.b.c\\n",
            "unknown: the name servers of the system cannot be read: *; look at /etc/resolv.conf, or name a server",
        ),
    ] {
        let laid = [&resolver(says), "belfry"].concat();
        assert_says(&laid, CHECK, &[("a", said)]);
    }
}
