//! Who may name what is run.

use std::os::unix::fs::PermissionsExt;

use super::*;

const EXEC: &str = "[check.x.exec]\ncommand = [\"/bin/true\"]\n";
const REMEDY: &str =
    "[check.y]\ntcp = { address = \"127.0.0.1:1\" }\nremedy = { restart = \"nginx\" }\n";

fn with_mode(folder: &Folder, name: &str, mode: u32) {
    let mode = fs::Permissions::from_mode(mode);
    fs::set_permissions(folder.path(name), mode).unwrap();
}

fn problems_in(folder: &Folder) -> Vec<String> {
    match folder.load("belfry.toml") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::line).collect(),
    }
}

#[test]
fn what_is_run_is_named_by_nobody_but_root_and_us() {
    let folder = Folder::with(&[("belfry.toml", SHOP), ("conf.d/a b.toml", EXEC)]);
    let file = folder.path("conf.d/a b.toml").display().to_string();
    for mode in [0o600, 0o644, 0o755] {
        with_mode(&folder, "conf.d/a b.toml", mode);
        assert_eq!(problems_in(&folder), [""; 0], "{mode:o}");
    }
    for (mode, who, mend) in [
        (0o664, "its group", "chmod g-w"),
        (0o666, "everybody", "chmod go-w"),
    ] {
        with_mode(&folder, "conf.d/a b.toml", mode);
        let found = problems_in(&folder);
        let said = format!("\"command\" names what is run, but {file} can be written by {who}");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&said), "{found:?}");
        assert!(
            found[0].ends_with(&format!("run: {mend} '{file}'")),
            "{found:?}"
        );
    }
    // Every file is its own: what others can write may say all else.
    with_mode(&folder, "conf.d/a b.toml", 0o600);
    with_mode(&folder, "belfry.toml", 0o666);
    assert_eq!(problems_in(&folder), [""; 0]);
}

#[test]
fn a_remedy_is_something_that_is_run() {
    let folder = Folder::with(&[("belfry.toml", REMEDY)]);
    assert_eq!(problems_in(&folder), [""; 0]);
    with_mode(&folder, "belfry.toml", 0o660);
    let found = problems_in(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    let said = "\"remedy\" names what is run, but ";
    assert!(found[0].contains(said), "{found:?}");
}

#[test]
fn a_file_of_another_user_names_nothing_that_is_run() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let folder = Folder::with(&[("belfry.toml", EXEC)]);
    std::os::unix::fs::chown(folder.path("belfry.toml"), Some(12_345), None).unwrap();
    let found = problems_in(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    let said = "belongs to user 12345, who is neither root nor runs Belfry; run: chown root ";
    assert!(found[0].contains(said), "{found:?}");
}
