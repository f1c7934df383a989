//! The text that is shipped and built in.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_built_in_text_is_a_configuration_that_watches_itself() {
    let plan = load_with(&Source::BuiltIn, &|_| None).expect("the built-in text is valid");
    assert_eq!(plan.data_dir, PathBuf::from("data"));
    assert_eq!(plan.listen, Listen::read(None));
    assert!(plan.postgres.is_none());
    let hello = PathBuf::from("config/hello");
    assert_eq!(
        (plan.hello.as_ref(), plan.files.as_slice()),
        (Some(&hello), [hello.clone()].as_slice())
    );
    let names: Vec<&str> = plan
        .checks
        .iter()
        .map(|planned| planned.check.name.as_ref())
        .collect();
    let own = [
        "belfry.status",
        "belfry.hello",
        "belfry.shrunken",
        "belfry.journal",
        "belfry.scheduler",
        "belfry.outbox",
        "belfry.memory",
        "belfry.files",
        "belfry.unseen",
        "belfry.uplink",
        "belfry.config",
    ];
    assert_eq!(
        names.iter().copied().collect::<BTreeSet<_>>(),
        own.into_iter().chain(["postgres"]).collect()
    );
    assert_eq!(names[0], "postgres", "what people wrote comes first");
    assert!(
        check(&plan, "postgres").not_configured.is_some(),
        "without a URL it is not configured"
    );
    let hello = check(&plan, "belfry.hello");
    assert_eq!(
        (hello.group.as_ref(), hello.fail_after),
        ("Belfry itself", Threshold::in_a_row(2))
    );
    assert_eq!(hello.schedule, Schedule::Every(Duration::from_secs(10)));
    assert_eq!(
        check(&plan, "belfry.config").fail_after,
        Threshold::in_a_row(1)
    );
}

#[test]
fn with_a_database_in_the_environment_it_is_checked_and_becomes_the_archive() {
    let environment = |name: &str| match name {
        "DATABASE_URL" => Some("postgres://u:secret@127.0.0.1/db".to_owned()),
        "STATE_DIRECTORY" => Some("/var/lib/belfry:/var/lib/other".to_owned()),
        _ => None,
    };
    let source = Folder::with(&[("belfry.toml", SHOP)]);
    let plan = load_with(&Source::BuiltIn, &environment).unwrap();
    assert!(plan.postgres.is_some());
    assert_eq!(check(&plan, "postgres").not_configured, None);
    assert_eq!(check(&plan, "belfry.archive").kind.as_ref(), "own");
    assert!(
        !format!("{plan:?}").contains("secret"),
        "a plan can be logged"
    );
    let plan = load_with(&Source::File(source.path("belfry.toml")), &environment).unwrap();
    assert_eq!(
        plan.data_dir,
        PathBuf::from("/var/lib/belfry"),
        "systemd names the folder"
    );
    assert!(
        plan.postgres.is_none(),
        "a database is archived to only where the configuration says so"
    );
}

/// The examples in the annotated text are what a "#" directly before a word or a bracket comments out.
#[test]
fn the_shipped_file_is_the_built_in_text_and_all_its_examples_are_valid() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/belfry.toml");
    assert_eq!(fs::read_to_string(shipped).unwrap(), BUILT_IN);
    let is_example = |line: &str| {
        let rest = line.strip_prefix('#').unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[')
    };
    let examples = BUILT_IN.lines().filter(|line| is_example(line)).count();
    assert!(examples > 30, "only {examples} examples found");
    let text: Vec<&str> = BUILT_IN
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|_| is_example(line))
                .unwrap_or(line)
        })
        .collect();
    // Its secrets are known to everybody, and refused.
    let refused = problems(&text.join("\n")).join("\n");
    for part in [
        "cannot be a ping key",
        "the example of one",
        "no random UUID",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    let own = [("9f86d081", "1"), ("1b4f0e98", "2"), ("3f1b8c1e", "3")];
    let text = own.iter().fold(text.join("\n"), |text, (known, own)| {
        text.replace(known, &own.repeat(8))
    });
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key);
    let (certificate, key) = (certificate.unwrap().pem(), key.serialize_pem());
    let folder = Folder::with(&[
        ("belfry.toml", &text),
        ("secrets/smtp-password", "hunter2\n"),
        ("secrets/wiki-password", "hunter2\n"),
        ("secrets/orders-token", "hunter2\n"),
        ("secrets/billing-secret", "hunter2\n"),
        ("secrets/ca.pem", &certificate),
        ("secrets/client.pem", &certificate),
        ("secrets/client.key", &key),
    ]);
    let secrets = folder.path("secrets").display().to_string();
    let environment = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| secrets.clone());
    let plan = load_with(&Source::File(folder.path("belfry.toml")), &environment)
        .unwrap_or_else(|problems| panic!("{}", render(&problems, false)));
    for file in [
        "secrets/wiki-password",
        "secrets/ca.pem",
        "secrets/client.key",
    ] {
        assert!(plan.followed.contains(&folder.path(file)), "{file}");
    }
    assert_eq!(plan.node.as_ref(), "web-1");
    assert_eq!(plan.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(plan.email.relays.len(), 2);
    assert_eq!(
        plan.email
            .digest
            .as_ref()
            .map(|digest| digest.text.as_str()),
        Some("0 7 * * *")
    );
    assert_eq!(check(&plan, "shop").recipients.len(), 2);
    assert_eq!(
        check(&plan, "belfry.hello").recipients[0].address.as_ref(),
        "web@example.org"
    );
}

/// "What is not said has the default that the example shows": so the examples of defaults change nothing.
#[test]
fn the_examples_of_defaults_are_the_defaults() {
    let table = |name: &str| {
        let start = format!("#[{name}]");
        let lines = BUILT_IN
            .lines()
            .skip_while(|line| *line != start)
            .take_while(|line| !line.is_empty());
        let lines =
            lines.filter_map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    let (defaults, retention) = (table("defaults"), table("retention"));
    let isolation = table("isolation");
    assert!(defaults.contains("alert_degraded") && retention.contains("max"));
    let (usual, said) = (
        plan(SHOP),
        plan(&format!("{defaults}{retention}{isolation}{SHOP}")),
    );
    assert_eq!(check(&usual, "shop"), check(&said, "shop"));
    assert_eq!(usual.retention, said.retention);
    let uplink = "belfry.uplink";
    assert_eq!(check(&usual, uplink), check(&said, uplink));
}
