//! Interfaces that the kernel has, in a network of their own.

use crate::inside::Inside;

/// A line with two ends; what is below /sys is that of this network.
const LINE: &str = "mount -t sysfs sysfs /sys; ip link add v0 type veth peer name v1";

#[test]
fn a_link_of_the_kernel_is_told_as_it_is() {
    let inside = Inside::new();
    let up = "ip link set v0 up; ip link set v1 up";
    for (keys, state, told) in [
        ("", up, "pass: up, 10 Gbit/s, full duplex"),
        (
            ", speed_min = 10000, duplex = \"full\"",
            up,
            "pass: up, 10 Gbit/s, full duplex",
        ),
        (
            ", speed_min = 40000",
            up,
            "fail: speed 10 Gbit/s, not at least 40 Gbit/s",
        ),
        (", duplex = \"half\"", up, "fail: full duplex, not half"),
        (
            "",
            "ip link set v0 up",
            "fail: it is without a carrier: look at the cable, or at the other end",
        ),
        (
            "",
            "ip link set v1 up",
            "fail: it is switched off (ip link set … up)",
        ),
        (
            "",
            "ip link del v0",
            "fail: there is no interface v0; there are: lo",
        ),
    ] {
        let key = format!("net = {{ interface = \"v0\"{keys} }}");
        let script = format!("{LINE}; {state}; \"$@\" || true");
        let Some(said) = inside.apart(&key, &script) else {
            return;
        };
        assert_eq!(said, told, "{keys} {state}");
    }
}

#[test]
fn a_link_that_tells_no_speed_is_unknown_only_where_that_is_asked_for() {
    let inside = Inside::new();
    let script = format!("{LINE}; ip link set lo up; \"$@\" || true");
    for (keys, told) in [
        ("", "pass: up"),
        (", speed_min = 100", "unknown: the link tells no speed"),
        (", duplex = \"full\"", "unknown: the link tells no duplex"),
        (
            ", saturation_warn = 80",
            "unknown: the link tells no speed, so its saturation is not known",
        ),
    ] {
        let key = format!("net = {{ interface = \"lo\"{keys} }}");
        let Some(said) = inside.apart(&key, &script) else {
            return;
        };
        assert_eq!(said, told, "{keys}");
    }
}
