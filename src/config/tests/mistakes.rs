//! What is wrong, and how it is said.

use super::*;

#[test]
fn all_mistakes_are_named_in_one_go() {
    let text = "[daemon]\nnam = \"x\"\n\n[check.shop]\nhttp = { ulr = \"http://127.0.0.1/\" }\nevry = \"10s\"\n\n[check.two]\ntcp = { address = \"127.0.0.1:1\" }\nevery = 10\n";
    let all = problems(text).join("\n");
    for part in [
        "belfry.toml:2:1: unknown key \"nam\" in [daemon]; did you mean \"name\"?",
        "belfry.toml:5:10: unknown key \"ulr\" in [check.shop.http]; did you mean \"url\"?",
        "belfry.toml:6:1: unknown key \"evry\" in [check.shop]; did you mean \"every\"?",
        "belfry.toml:10:9: \"every\" needs a unit; write every = \"10s\", or another unit: ms, s, m, h, d",
    ] {
        assert!(all.contains(part), "{all}\ndoes not say {part}");
    }
}

#[test]
fn a_ping_key_that_can_be_guessed_is_refused_and_not_repeated() {
    for key in ["hunter2-hunter2-hunte", "correct horse battery staple", ""] {
        let found = problems(&format!("[heartbeats]\nping_key = \"{key}\"\n"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("cannot be a ping key"), "{found:#?}");
        assert!(found[0].contains("at least 22 random"), "{found:#?}");
        assert!(key.is_empty() || !found[0].contains(key), "{found:#?}");
    }
    let old = "0123456789abcdefghijklm";
    one_problem(
        &format!("[heartbeats]\nold_ping_key = \"{old}\"\n"),
        &["stands alone", "ping_key = "],
    );
    assert_eq!(
        plan(&format!("[heartbeats]\nping_key = \"{old}\"\n"))
            .pings
            .keys
            .len(),
        1
    );
}

#[test]
fn broken_syntax_is_named_with_all_else_and_once() {
    let found = problems(
        "[daemon]\nname = \nzone = \"x\"\n[check.a]\ntcp = { address = \"127.0.0.1:1\" }\nevery = \"1x\"\n",
    );
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("belfry.toml:2:"), "{found:#?}");
    assert!(
        found[1].contains("unknown key \"zone\"") && found[1].contains("timezone"),
        "{found:#?}"
    );
    assert!(found[2].starts_with("belfry.toml:6:"), "{found:#?}");
}

#[test]
fn a_name_is_there_once_in_all_files() {
    let found = problems_of(&[("belfry.toml", SHOP), ("conf.d/10.toml", SHOP)]);
    assert_eq!(found, ["conf.d/10.toml:1:8: the name \"shop\" is taken; the first is at belfry.toml:1; rename or remove one of them"].map(|line| {
        line.to_owned()
    }));
    let heartbeat = "[heartbeat.shop]\nevery = \"1d\"\n";
    let found = problems(&format!("{heartbeat}{SHOP}"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("belfry.toml:1:") && found[0].contains("at ") && found[0].contains(":3"),
        "{found:#?}"
    );
    let found = problems(&format!("{SHOP}{SHOP}"));
    assert!(
        found[0].contains("belfry.toml:3:") && found[0].contains("belfry.toml:1"),
        "{found:#?}"
    );
    let found = problems_of(&[
        ("belfry.toml", "[daemon]\nname = \"a\"\n"),
        ("conf.d/a.toml", "[daemon]\nname = \"b\"\n"),
    ]);
    assert!(
        found[0].contains("conf.d/a.toml:1") && found[0].contains("belfry.toml:1"),
        "{found:#?}"
    );
    one_problem(
        "[heartbeat.\"belfry.hello\"]\nevery = \"1d\"\n",
        &["taken", "built in"],
    );
}

#[test]
fn parents_exist_and_never_form_a_circle() {
    let of = |name: &str, parents: &str| {
        format!("[check.{name}]\ntcp = {{ address = \"127.0.0.1:1\" }}\ndepends_on = {parents}\n")
    };
    let circle = [
        of("a", "[\"b\"]"),
        of("b", "[\"c\"]"),
        of("c", "[\"d\", \"a\"]"),
        of("d", "[]"),
    ]
    .concat();
    one_problem(&circle, &["circle: a → b → c → a", "belfry.toml:9:20"]);
    one_problem(&of("a", "\"a\""), &["circle: a → a"]);
    one_problem(
        &of("shop", "[\"shopp\"]"),
        &["no check \"shopp\"", "did you mean \"shop\"?"],
    );
    let fine = [
        of("a", "[\"b\", \"c\", \"belfry.journal\"]"),
        of("b", "[\"c\"]"),
        of("c", "[]"),
    ]
    .concat();
    assert_eq!(check(&plan(&fine), "a").depends_on.len(), 3);
}

#[test]
fn members_of_a_composite_exist_and_are_never_parts_of_each_other() {
    let of =
        |name: &str, members: &str| format!("[check.{name}]\ncomposite = {{ all = {members} }}\n");
    let plain =
        "[check.shop]\ntcp = { address = \"127.0.0.1:1\" }\n[heartbeat.job]\nevery = \"1d\"\n";
    let fine = format!(
        "{plain}{}{}",
        of("a", "[\"b\", \"shop\"]"),
        of("b", "[\"job\", \"shop\", \"belfry.journal\"]")
    );
    let plan = plan(&fine);
    // What it is made of is confirmed already.
    let a = check(&plan, "a");
    assert_eq!(a.schedule, Schedule::Every(Duration::from_secs(5)));
    assert_eq!(a.fail_after, Threshold::in_a_row(1));
    let slow = of("c", "[\"shop\"]") + "every = \"1m\"\nfail_after = 2\n";
    let plan = super::plan(&format!("[defaults]\nevery = \"2s\"\n{plain}{slow}"));
    let c = check(&plan, "c");
    assert_eq!(c.schedule, Schedule::Every(Duration::from_mins(1)));
    assert_eq!(c.fail_after, Threshold::in_a_row(2));

    one_problem(
        &format!("{plain}{}", of("a", "[\"shopp\"]")),
        &[
            "no check \"shopp\" to be a part of it",
            "did you mean \"shop\"?",
            "belfry.toml:6:",
        ],
    );
    one_problem(&of("a", "[\"a\"]"), &["circle: a → a"]);
    one_problem(
        &[of("a", "[\"b\"]"), of("b", "[\"c\"]"), of("c", "[\"a\"]")].concat(),
        &[
            "composites are parts of each other in a circle: a → b → c → a",
            "belfry.toml:6:22",
        ],
    );
    // To depend on what one is a part of is no circle: the one is about alerts, the other about evidence.
    let held = format!(
        "{plain}depends_on = [\"a\"]\n{}",
        of("a", "[\"shop\", \"job\"]")
    );
    assert_eq!(check(&super::plan(&held), "job").depends_on.len(), 1);
}

/// A line of a check, and a part of what is said of it.
const LINES: &[(&str, &str)] = &[
    ("every = \"50ms\"", "from 100ms to 366d"),
    ("timeout = \"11m\"", "from 10ms to 10m"),
    ("fail_after = 0", "3 of 5"),
    ("fail_after = true", "3 of 5"),
    ("recover_after = 65", "from 1 to 64"),
    ("flapping = \"often\"", "4 in 10m"),
    ("every = \"1m\"\ncron = \"0 3 * * *\"", "keep one of them"),
    ("cron = \"0 3 * *\"", "no cron expression"),
    (
        "cron = \"0 3 * * *\"\non_calendar = \"daily\"",
        "\"cron\" and \"on_calendar\" are two schedules",
    ),
    ("on_calendar = \"Mon..Fri 25:00\"", "the hour is \"25\""),
    ("on_calendar = \"0 3 * * *\"", "write them as cron"),
    ("on_calendar = \"*-02-30\"", "never comes"),
    ("on_calendar = \"daily Mars/Olympus\"", "no time zone"),
    (
        "on_calendar = [\"daily\", \"often\"]",
        "\"often\" is no calendar event",
    ),
    ("on_calendar = []", "it is empty"),
    ("cron = \"0 0 30 2 *\"", "never comes"),
    ("runbook = \"javascript:alert(1)\"", "https://"),
    ("runbook = \"wiki\"", "https://"),
    ("to = [\"ops\"]", "\"ops\" is no mail address"),
    (
        "to = [\"a@example.org\\nBcc: b@example.org\"]",
        "no mail address",
    ),
    ("group = \"\"", "heading"),
    ("slug = \"x\"", "unknown key \"slug\""),
];

/// A whole configuration, and a part of what is said of it.
const TEXTS: &[(&str, &str)] = &[
    ("[check.a]\nevery = \"1m\"\n", "probe"),
    (
        "[check.\"a/b\"]\ntcp = { address = \"127.0.0.1:1\" }\n",
        "address of its page",
    ),
    ("[heartbeat.a]\n", "add every"),
    (
        "[heartbeat.a]\nevery = \"1d\"\nuuid = \"x\"\n",
        "leave it out",
    ),
    (
        "[heartbeat.a]\nevery = \"1d\"\non_calendar = \"daily\"\n",
        "are two schedules",
    ),
    (
        "[token.a]\nrights = \"read\"\n",
        "the token has no secret; belfry token new NAME",
    ),
    ("[daemon]\nname = \"a\\nb\"\n", "one line"),
    ("[daemon]\ntimezone = \"europe/berln\"\n", "Europe/Berlin"),
    ("[listen]\nstatus = 8080\n", "127.0.0.1:8080"),
    ("[listen]\nstatus = \"off\"\n", "cannot be off"),
    (
        "[listen]\nhello = \"127.0.0.1:8080\"\n",
        "taken by \"status\"",
    ),
    ("[listen]\nhello = [\"example.org:80\"]\n", "not a name"),
    ("[postgres]\n", "DATABASE_URL"),
    (
        "[postgres]\nurl = \"${NO_SUCH_VARIABLE}\"\n",
        "no $NO_SUCH_VARIABLE",
    ),
    (
        "[email]\nrelays = [\"smtp://localhost\"]\n",
        "nobody is told",
    ),
    (
        "[email]\nto = [\"a@example.org\"]\nrelays = [\"ftp://x\"]\n",
        "smtp://",
    ),
    ("[email]\nfrom = \"nobody\"\n", "no mail address"),
    ("[page]\nurl = \"status.example.org\"\n", "https://"),
    ("[retention]\nmax = \"1MiB\"\n", "out of range"),
    ("[check.\"belfry.helo\"]\nevery = \"1m\"\n", "belfry.hello"),
    (
        "[check.\"belfry.hello\"]\ntcp = { address = \"127.0.0.1:1\" }\n",
        "cannot have a probe",
    ),
    ("check = 1\n", "not a table"),
];

#[test]
fn what_cannot_be_meant_is_refused() {
    for (line, says) in LINES {
        one_problem(&format!("{SHOP}{line}\n"), &[says]);
    }
    for (text, says) in TEXTS {
        one_problem(text, &[says]);
    }
    let same = "every = \"1d\"\nuuid = \"6a0e4c1d-2f7b-4c89-a5d3-9b1e7f20c846\"\n";
    one_problem(
        &format!("[heartbeat.a]\n{same}[heartbeat.b]\n{same}"),
        &["same \"uuid\"", ":1"],
    );
}

#[test]
fn a_password_is_in_no_problem() {
    let found = problems(
        "[email]\npassword = \"hunter2\"\nto = [\"a@example.org\"]\nrelays = [\"ftp://me:hunter2@x\"]\nnonsense = 1\n",
    );
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(!found.join("").contains("hunter2"), "{found:#?}");
}

#[test]
fn problems_are_drawn_with_their_line_and_what_to_do() {
    let folder = Folder::with(&[("belfry.toml", "[daemon]\nnam = \"ä\" # x\n")]);
    let found = folder.load("belfry.toml").unwrap_err();
    let drawn = render(&found, false).replace(&format!("{}/", folder.0.path().display()), "");
    expect_test::expect![[r#"
        error: unknown key "nam" in [daemon]
         --> belfry.toml:2:1
          |
        2 | nam = "ä" # x
          | ^^^
          |
          = help: did you mean "name"?
    "#]]
    .assert_eq(&drawn);
    assert!(
        render(&found, true).contains("\u{1b}["),
        "colours are there where they are wanted"
    );
    fs::remove_file(folder.path("belfry.toml")).unwrap();
    let drawn = render(&found, false);
    assert!(
        drawn.contains("belfry.toml:2:1") && drawn.contains("did you mean"),
        "{drawn}"
    );
}

#[test]
fn a_level_that_no_look_can_reach_is_refused() {
    let http =
        |keys: &str| format!("[check.a]\nhttp = {{ url = \"https://example.org/\", {keys} }}\n");
    let at = "a look ends after 5s; write a lower level, or a longer timeout = \"…\" in [check.a]";
    for (keys, column) in [("slow = \"6s\"", 47), ("slow_fail = \"6s\"", 52)] {
        one_problem(&http(keys), &[at, &format!("belfry.toml:2:{column}:")]);
    }
    one_problem(
        &http("p95 = { fail = \"6s\" }"),
        &["\"fail\" is never reached", at],
    );
    one_problem(
        "[check.a]\nicmp = { host = \"127.0.0.1\", mean_warn = \"10s\" }\n",
        &["\"mean_warn\" is never reached", at],
    );
    plan(&http("slow = \"5s\""));
    plan(&format!("{}timeout = \"10s\"\n", http("slow = \"6s\"")));
    // What is wrong with it is said once.
    one_problem(&http("slow = 6"), &["\"slow\" needs a unit"]);
    one_problem(&http("p95 = \"6s\""), &["\"p95\" is not a table"]);
}

#[test]
fn a_key_of_the_check_that_stands_in_its_probe_is_told_where_it_belongs() {
    let unknown =
        problems("[check.shop]\ntcp = { address = \"127.0.0.1:1\" }\nxyzzyxyzzyxyzzy = 1\n");
    let (_, known) = unknown[0]
        .split_once("known here: ")
        .expect("it names them");
    let of_the_check = known
        .split(", ")
        .filter(|key| !crate::probe::Probe::KEYS.contains(key));
    for key in of_the_check {
        let text = format!("[check.shop]\ntcp = {{ address = \"127.0.0.1:1\", {key} = 1 }}\n");
        let says = [
            format!("unknown key \"{key}\" in [check.shop.tcp]; it belongs in [check.shop]"),
            "belfry.toml:2:34:".to_owned(),
        ];
        one_problem(&text, &[&says[0], &says[1]]);
    }
}

#[test]
fn a_misspelt_kind_of_probe_is_one_mistake() {
    for (written, meant) in [("htttp", "http"), ("postgre", "postgres"), ("tpc", "tcp")] {
        let says = format!("unknown key \"{written}\" in [check.a]; did you mean \"{meant}\"?");
        one_problem(&format!("[check.a]\n{written} = {{}}\n"), &[&says]);
    }
    let found = problems("[check.a]\nevry = \"1m\"\n");
    assert_eq!(
        found.len(),
        2,
        "there is no probe, misspelt or not: {found:#?}"
    );
}

#[test]
fn a_size_without_a_unit_is_told_what_to_write() {
    let file = |size: &str| format!("[check.a]\nfile = {{ path = \"/x\", size_warn = {size} }}\n");
    let units = "or another unit: KiB, MiB, GiB, TiB, kB, MB, GB, TB";
    let write = format!("write size_warn = \"1024B\", {units}");
    one_problem(&file("1024"), &["\"size_warn\" needs a unit", &write]);
    one_problem(
        &file("\"1024\""),
        &["\"1024\" is not a size", "write \"1024B\", or another unit"],
    );
    one_problem(&file("[]"), &["\"size_warn\" needs a unit"]);
}
