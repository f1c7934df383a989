//! Who is asked whether we reach anybody, and which check is behind what.

use super::*;

/// The uplink's check that the check `x` with these keys is behind.
fn behind(isolation: &str, keys: &str) -> Option<String> {
    let plan = plan(&format!("{isolation}\n[check.x]\n{keys}\n"));
    let behind = check(&plan, "x").behind.as_ref();
    behind.map(ToString::to_string)
}

#[test]
fn what_is_on_this_machine_is_local_and_all_else_is_behind_the_uplink() {
    let uplink = Some("belfry.uplink".to_owned());
    for far in [
        "http = { url = \"https://shop.example/\" }",
        "tcp = { address = \"10.0.0.1:22\" }",
        "dns = { name = \"a.example\" }",
        "postgres = { url = \"postgres://u@db.example/d\" }",
        "exec = { command = [\"/bin/true\"] }\nscope = \"uplink\"",
    ] {
        assert_eq!(behind("", far), uplink, "{far}");
    }
    for near in [
        "http = { url = \"http://localhost:8080/\" }",
        "tcp = { address = \"[::1]:22\" }",
        "postgres = { url = \"host=/run/postgresql user=u\" }",
        "host = {}",
        "disk = { path = \"/\" }",
        "exec = { command = [\"/bin/true\"] }",
        "port = { address = \"10.0.0.1:80\" }",
        "tcp = { address = \"10.0.0.1:22\" }\nscope = \"local\"",
    ] {
        assert_eq!(behind("", near), None, "{near}");
    }
}

#[test]
fn a_scope_of_its_own_has_a_check_of_its_own() {
    let text =
        "[isolation.scope.office]\ncanaries = [\"icmp://10.20.0.1\", \"tcp://10.20.0.1:22\"]\n";
    let far = "tcp = { address = \"10.20.0.9:9100\" }\nscope = \"office\"";
    let office = "belfry.uplink.office";
    assert_eq!(behind(text, far).as_deref(), Some(office));
    let plan = plan(&format!(
        "{text}{SHOP}[check.\"{office}\"]\nevery = \"1m\"\n"
    ));
    let uplink = check(&plan, office);
    assert_eq!(&*uplink.target, "icmp://10.20.0.1, tcp://10.20.0.1:22");
    assert_eq!(uplink.schedule, Schedule::Every(Duration::from_mins(1)));
    let usual = check(&plan, "belfry.uplink");
    assert_eq!(
        (&*usual.target, &*usual.kind),
        ("gateway, resolver", "uplink")
    );
    assert_eq!(
        (usual.fail_after, usual.timeout),
        (Threshold::in_a_row(3), Duration::from_secs(2))
    );
}

#[test]
fn without_canaries_nothing_is_taken_for_isolation() {
    let off = "[isolation]\ncanaries = []\n";
    let far = "tcp = { address = \"10.0.0.1:22\" }";
    assert_eq!(behind(off, far), None);
    let said = format!("{far}\nscope = \"uplink\"");
    assert_eq!(behind(off, &said), None);
    // What is switched off may be tuned all the same.
    let plan = plan(&format!(
        "{off}{SHOP}[check.\"belfry.uplink\"]\nevery = \"1m\"\n"
    ));
    let uplinks = plan.checks.iter().filter(|p| &*p.check.kind == "uplink");
    assert_eq!(uplinks.count(), 0);
}

#[test]
fn what_is_wrong_with_it_is_said() {
    for (text, part) in [
        ("[isolation]\ncanary = []", "did you mean \"canaries\"?"),
        (
            "[isolation]\ncanaries = [\"router\"]",
            "\"router\" is no canary; write \"gateway\"",
        ),
        (
            "[isolation]\ncanaries = [\"icmp://a.example\"]",
            "write an IP address",
        ),
        ("[isolation.scope.office]", "\"canaries\" is missing"),
        (
            "[isolation.scope.local]\ncanaries = []",
            "\"local\" cannot be the name of a scope",
        ),
        (
            "[isolation.scope.uplink]\ncanaries = []",
            "this one is built in",
        ),
        ("[isolation.scope.\"a/b\"]\ncanaries = []", "leave out / "),
        (
            "[isolation.scope.office]\ncanaries = []\n[check.x]\ntcp = { address = \"a:1\" }\nscope = \"offce\"",
            "there is no scope \"offce\"; did you mean \"office\"?",
        ),
        (
            "[check.x]\ntcp = { address = \"a:1\" }\nscope = \"vpn\"",
            "there are: local, uplink; or write [isolation.scope.vpn]",
        ),
        (
            "[check.\"belfry.uplink.vpn\"]\nevery = \"1m\"",
            "there is no built-in check \"belfry.uplink.vpn\"",
        ),
    ] {
        let found = problems(&format!("{text}\n")).join("\n");
        assert!(found.contains(part), "{part} is not in {found}");
    }
    let many = |count: usize| {
        let all: Vec<String> = (1..=count)
            .map(|n| format!("\"icmp://10.0.0.{n}\""))
            .collect();
        format!("[isolation]\ncanaries = [{}]\n{SHOP}", all.join(", "))
    };
    plan(&many(8));
    assert!(
        problems(&many(9))
            .join("\n")
            .contains("more than 8 canaries")
    );
}

#[test]
fn the_manual_has_every_form_of_a_canary_and_no_key_that_is_not_read() {
    let manual = include_str!("../../../docs/isolation.md");
    let rows = manual.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells: Vec<&str> = rows.filter_map(|row| row.split(" |").next()).collect();
    let forms = cells.iter().filter(|cell| cell.starts_with('"'));
    let forms = forms.flat_map(|cell| cell.split(", ")).map(|form| {
        let form = form.trim_matches('`');
        form.replace("ADDRESS", "192.0.2.1").replace("PORT", "443")
    });
    let forms: Vec<String> = forms.collect();
    assert_eq!(forms.len(), 6, "{forms:?}");
    let plan = plan(&format!(
        "[isolation]\ncanaries = [{}]\n{SHOP}",
        forms.join(", ")
    ));
    assert_eq!(
        &*check(&plan, "belfry.uplink").target,
        "gateway, resolver, icmp://192.0.2.1, tcp://192.0.2.1:443, dns://192.0.2.1, dns://192.0.2.1:443"
    );
    let keys = cells.iter().filter(|cell| !cell.starts_with('"'));
    let keys: Vec<&str> = keys.map(|cell| cell.trim_matches('`')).collect();
    assert_eq!(keys, ["canaries", "scope"]);
    let known = problems("[isolation]\nnot_a_key_of_anything = 1\n").join("\n");
    assert!(known.contains("known here: canaries, scope"), "{known}");
}

#[test]
fn a_heartbeat_reports_from_here_unless_it_says_otherwise() {
    let behind = |keys: &str| {
        let plan = plan(&format!("[heartbeat.x]\nevery = \"1h\"\n{keys}\n"));
        let behind = check(&plan, "x").behind.as_ref();
        behind.map(ToString::to_string)
    };
    assert_eq!(behind(""), None);
    assert_eq!(behind("scope = \"local\""), None);
    let uplink = behind("scope = \"uplink\"");
    assert_eq!(uplink.as_deref(), Some("belfry.uplink"));
    one_problem(
        "[heartbeat.x]\nevery = \"1h\"\nscope = \"office\"\n",
        &["there is no scope \"office\""],
    );
}
