//! Files and folders, some of which are none.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_file_that_is_none_is_refused_with_what_to_do() {
    for (text, says) in [
        ("", "no table"),
        ("# nothing\n\n", "no table"),
        ("\u{feff}", "no table"),
    ] {
        one_problem(text, &["belfry.toml:1:1", says, "[daemon]"]);
    }
    let big = format!("{SHOP}# {}", "x".repeat(1 << 20));
    one_problem(&big, &["larger than 1 MiB"]);
    let folder = Folder::with(&[("belfry.toml", SHOP), ("empty/readme", "")]);
    fs::write(folder.path("latin.toml"), b"[daemon]\nname = \"K\xe4se\"\n").unwrap();
    fs::create_dir_all(folder.path("odd/conf.d/x.toml")).unwrap();
    fs::write(folder.path("odd/belfry.toml"), SHOP).unwrap();
    for (name, says) in [
        ("missing.toml", "cannot read it"),
        ("latin.toml", "not UTF-8 text: line 2, byte 19"),
        ("empty", "has no *.toml"),
        ("odd/belfry.toml", "no regular file"),
    ] {
        let found = folder.load(name).expect_err(name);
        let line = found[0].line();
        assert!(
            line.contains(says) && found[0].hint.is_some(),
            "{name}: {line}"
        );
    }
}

#[test]
fn a_binary_file_ends_in_sentences_and_not_in_thousands_of_them() {
    let folder = Folder::with(&[]);
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|i| u8::try_from(i.wrapping_mul(2_654_435_761) >> 25).unwrap())
        .collect();
    fs::write(folder.path("noise.toml"), noise).unwrap();
    let found = folder.load("noise.toml").expect_err("noise");
    assert!((1..=101).contains(&found.len()), "{}", found.len());
    assert!(!render(&found, true).is_empty());
}

#[test]
fn an_unreadable_file_is_a_problem_and_makes_no_others() {
    let text = format!("{SHOP}depends_on = \"other\"\n");
    let folder = Folder::with(&[("belfry.toml", &text), ("conf.d/a.toml", "[check.other]\n")]);
    fs::set_permissions(
        folder.path("conf.d/a.toml"),
        fs::Permissions::from_mode(0o000),
    )
    .unwrap();
    if fs::File::open(folder.path("conf.d/a.toml")).is_ok() {
        // Root reads everything; what it cannot read is a folder in the place of a file.
        fs::remove_file(folder.path("conf.d/a.toml")).unwrap();
        fs::create_dir(folder.path("conf.d/a.toml")).unwrap();
    }
    let found = folder.load("belfry.toml").expect_err("unreadable");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].line().contains("a.toml"));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert!(
        check(&plan(&format!("\u{feff}{SHOP}")), "shop")
            .not_configured
            .is_none()
    );
}

#[test]
fn a_folder_is_read_in_the_order_of_names_and_then_its_conf_d() {
    let of = |name: &str| format!("[check.{name}]\ntcp = {{ address = \"127.0.0.1:1\" }}\n");
    let folder = Folder::with(&[
        ("b.toml", &of("b")),
        ("a.toml", &[of("z"), of("a")].concat()),
        (".a.toml.swp", "["),
        (".hidden.toml", "["),
        ("notes.txt", "["),
        ("conf.d/0.toml", &of("c")),
    ]);
    let plan = folder.load("").unwrap();
    let names: Vec<&str> = plan
        .checks
        .iter()
        .map(|planned| planned.check.name.as_ref())
        .collect();
    assert_eq!(names[..4], ["z", "a", "b", "c"]);
    for name in ["", "conf.d", "hello"] {
        assert!(
            plan.files.contains(&folder.path(name)),
            "{name} is not followed"
        );
    }
    assert_eq!(plan.hello, Some(folder.path("hello")));
}
