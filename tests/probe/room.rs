//! A network of its own: what lies on the way to a target can be laid and taken away there.
//!
//! A script lays it, as root of new namespaces of users, mounts and networks, and then looks with the program itself.

use std::collections::BTreeMap;
use std::fs::write;
use std::process::{Command, Stdio};

/// What every script begins with.
const BEFORE: &str = "set -e
ip link set lo up
# Says what the checks of checks.toml find, or some of them.
belfry() { \"$BELFRY\" --config \"$PWD/checks.toml\" check \"$@\" || true; }
# Ping sockets for who we are here.
may_ping() { sysctl -qw net.ipv4.ping_group_range='0 0'; }
# Another machine behind a cable, 10.9.0.2 to our 10.9.0.1; `there` runs what it says on it.
neighbour() {
    unshare --net sleep 600 &
    other=$!
    trap 'kill $other' EXIT
    while [ \"$(readlink /proc/$other/ns/net)\" = \"$(readlink /proc/self/ns/net)\" ]; do sleep 0.01; done
    ip link add name here type veth peer name there netns $other
    ip addr add 10.9.0.1/24 dev here
    ip link set here up
    there ip addr add 10.9.0.2/24 dev there
    there ip link set there up
    ip route add default via 10.9.0.2
}
there() { nsenter --target $other --net \"$@\"; }
";

/// A shell in namespaces of its own that runs this; what is left behind there ends with it.
fn shell(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(
        "--user --map-root-user --mount --net --pid --fork --kill-child --mount-proc".split(' '),
    );
    command.args(["bash", "-c", script]);
    command.env("BELFRY", env!("CARGO_BIN_EXE_belfry"));
    command.stdin(Stdio::null());
    command
}

/// What the checks say after this was laid: `verdict: message` by their names. None where the system lets nobody lay
/// networks of their own, which root always may.
fn looked(laid: &str, checks: &str) -> Option<BTreeMap<String, String>> {
    let may = shell("true").output().expect("Debian has unshare");
    if !may.status.success() && !nix::unistd::geteuid().is_root() {
        return None;
    }
    let folder = tempfile::tempdir().expect("there is room");
    write(folder.path().join("checks.toml"), checks).expect("there is room");
    let mut command = shell(&[BEFORE, laid].concat());
    let ran = command.current_dir(folder.path()).output();
    let ran = ran.expect("Debian has unshare");
    let said = String::from_utf8(ran.stdout).expect("it is text");
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{error}\n{said}");
    let lines = said.lines().map(|line| {
        let (verdict, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, message) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
        (
            name.to_owned(),
            format!("{verdict}: {}", message.trim_start()),
        )
    });
    Some(lines.collect())
}

/// Every check says what is expected of it, and there is no other; `*` stands for what is never the same.
#[track_caller]
pub(crate) fn assert_says(laid: &str, checks: &str, expected: &[(&str, &str)]) {
    let Some(said) = looked(laid, checks) else {
        return;
    };
    for (name, expected) in expected {
        let found = said.get(*name).map_or("nothing", String::as_str);
        let is_so = match expected.split_once('*') {
            Some((before, after)) => found.starts_with(before) && found.ends_with(after),
            None => found == *expected,
        };
        assert!(is_so, "{name} says {found}, not {expected}");
    }
    assert_eq!(said.len(), expected.len(), "{said:?}");
}
