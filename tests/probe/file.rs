//! Real files.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use belfry::core::outcome::{Outcome, Verdict};
use tempfile::TempDir;

use crate::{assert_fails, env, look, look_briefly, probe, said};

fn file(path: &Path, keys: &str) -> String {
    format!("file = {{ {keys}path = \"{}\" }}", path.display())
}

fn passes(outcome: &Outcome) {
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(outcome));
}

#[tokio::test]
async fn a_file_has_age_size_owner_mode_checksum_and_content() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("f");
    assert_fails(&look(&file(&path, "")).await, "there is no ");
    passes(&look(&file(&path, "absent = true, ")).await);
    fs::write(&path, "version = 7\n").unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let hour = Duration::from_hours(1);
    let old = fs::metadata(&path)
        .unwrap()
        .modified()
        .unwrap()
        .checked_sub(hour)
        .unwrap();
    let writable = File::options().write(true).open(&path).unwrap();
    writable.set_modified(old).unwrap();
    let me = nix::unistd::User::from_uid(nix::unistd::geteuid())
        .unwrap()
        .unwrap()
        .name;
    let sum = "90a30acd1a74d5b4ee0bec0c3fd3e64c5b7b9e0b5f4e9a2b8b6f0e9d3f2a1c00";
    passes(
        &look(&file(
            &path,
            &format!("owner = \"{me}\", mode = \"640\", content = \"^version = [0-9]+\", age_fail = \"2h\", age_min = \"30m\", size_fail = \"1KiB\", "),
        ))
        .await,
    );
    for (keys, told) in [
        (
            "age_fail = \"30m\", ".to_owned(),
            "age 1 h (fail at 30 min)",
        ),
        ("age_min = \"2h\", ".to_owned(), "which is within 2 h"),
        ("size_fail = \"12B\", ".to_owned(), "size 12 B"),
        ("owner = \"nosuchuser\", ".to_owned(), "not nosuchuser"),
        ("mode = \"600\", ".to_owned(), "mode 0640, not 0600"),
        ("content = \"version = 8\", ".to_owned(), "does not match"),
        (format!("checksum = \"{sum}\", "), ", not 90a30acd1a74"),
        ("absent = true, ".to_owned(), "should not be there"),
    ] {
        assert_fails(&look(&file(&path, &keys)).await, told);
    }
    fs::write(&path, "").unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    passes(&look(&file(&path, &format!("checksum = \"{empty}\", "))).await);
}

#[tokio::test]
async fn a_fifo_or_a_device_neither_blocks_nor_never_ends() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let outcome = look_briefly(&file(&path, "content = \"x\", ")).await;
    assert_eq!(
        said(&outcome),
        "unknown: the content cannot be read: it is no regular file"
    );
    passes(&look_briefly(&file(&path, "")).await);
    let zero = look_briefly(&file(Path::new("/dev/zero"), "content = \"x\", ")).await;
    assert_eq!(zero.verdict, Verdict::Unknown);
    // A hole of a terabyte: its checksum takes longer than there is time, its content is searched as far as is said.
    let path = folder.path().join("hole");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let sum = "0".repeat(64);
    let outcome = look_briefly(&file(&path, &format!("checksum = \"{sum}\", "))).await;
    assert_eq!(
        said(&outcome),
        "unknown: no checksum: there was no time to read all of it"
    );
    assert_fails(
        &look(&file(&path, "content = \"x\", ")).await,
        "does not match",
    );
    passes(&look_briefly(&file(&path, "changed = true, ")).await);
}

#[tokio::test]
async fn symlinks_are_named_and_folders_are_counted() {
    let folder = TempDir::new().unwrap();
    let (path, link) = (folder.path().join("f"), folder.path().join("link"));
    symlink(&path, &link).unwrap();
    assert_fails(&look(&file(&link, "")).await, "which is not there");
    fs::write(&path, "x").unwrap();
    let outcome = look(&file(&link, "")).await;
    assert!(
        outcome
            .message()
            .ends_with(&format!("symlink to {}", path.display())),
        "{}",
        said(&outcome)
    );
    let outcome = look(&file(folder.path(), "entries_warn = 2, entries_fail = 9, ")).await;
    assert_eq!(said(&outcome), "warn: entries 2 (warn at 2)");
    let outcome = look(&file(&path.join("below"), "")).await;
    assert_fails(&outcome, "there is no ");
    let ring = folder.path().join("ring");
    symlink(&ring, &ring).unwrap();
    assert_eq!(look(&file(&ring, "")).await.verdict, Verdict::Unknown);
}

#[tokio::test]
async fn a_file_that_is_replaced_with_the_same_size_has_changed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "aaaa").unwrap();
    let (probe, env) = (probe(&file(&path, "changed = true, ")), env());
    passes(&probe.run(&env, crate::PATIENT).await);
    passes(&probe.run(&env, crate::PATIENT).await);
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "bbbb").unwrap();
    let writable = File::options().write(true).open(&path).unwrap();
    writable.set_modified(written).unwrap();
    let outcome = probe.run(&env, crate::PATIENT).await;
    assert_eq!(said(&outcome), "warn: changed within 1 h: its content");
    fs::remove_file(&path).unwrap();
    assert_fails(&probe.run(&env, crate::PATIENT).await, "there is no ");
}

/// A change of a file, and what is said of it.
type Change = (&'static str, fn(&Path));

#[tokio::test]
async fn every_way_in_which_a_file_can_change_is_named() {
    let changes: [Change; 6] = [
        ("its content", |path| fs::write(path, "bbbb").unwrap()),
        ("its size", |path| {
            // Too large for its content to be compared at every look.
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(17 << 20)
                .unwrap();
        }),
        ("it is another file", |path| {
            let (other, written) = (
                path.with_extension("new"),
                fs::metadata(path).unwrap().modified().unwrap(),
            );
            fs::copy(path, &other).unwrap();
            File::options()
                .write(true)
                .open(&other)
                .unwrap()
                .set_modified(written)
                .unwrap();
            fs::rename(other, path).unwrap();
        }),
        ("its mode or owner", |path| {
            fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
        }),
        ("when it was written", |path| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + Duration::from_hours(1))
                .unwrap();
        }),
        ("where the symlink leads", |path| {
            let other = path.with_extension("other");
            fs::copy(path, &other).unwrap();
            fs::remove_file(path).unwrap();
            symlink(other, path).unwrap();
        }),
    ];
    for (what, change) in changes {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "aaaa").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let (probe, env) = (probe(&file(&path, "changed = true, ")), env());
        passes(&probe.run(&env, crate::PATIENT).await);
        change(&path);
        let outcome = probe.run(&env, crate::PATIENT).await;
        assert_eq!(said(&outcome), format!("warn: changed within 1 h: {what}"));
    }
}

#[tokio::test]
async fn a_file_that_goes_and_comes_has_changed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "x").unwrap();
    let (probe, env) = (probe(&file(&path, "changed = true, ")), env());
    passes(&probe.run(&env, crate::PATIENT).await);
    fs::remove_file(&path).unwrap();
    let gone = probe.run(&env, crate::PATIENT).await;
    assert_fails(&gone, "there is no ");
    assert_fails(&gone, "changed within 1 h: it is gone");
    fs::write(&path, "x").unwrap();
    let again = said(&probe.run(&env, crate::PATIENT).await);
    assert_eq!(again, "warn: changed within 1 h: it is there again");
}

#[tokio::test]
async fn what_a_file_measures_is_warned_of_and_fails_and_what_it_is_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "version = 7\n").unwrap();
    let old = fs::metadata(&path)
        .unwrap()
        .modified()
        .unwrap()
        .checked_sub(Duration::from_hours(1))
        .unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(old)
        .unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, keys, told) in [
        (
            path.as_path(),
            "age_warn = \"30m\", age_fail = \"2h\", ",
            "warn: age 1 h (warn at 30 min)",
        ),
        (
            &path,
            "size_warn = \"10B\", ",
            "warn: size 12 B (warn at 10 B)",
        ),
        (
            &path,
            "size_min = \"1KiB\", ",
            "fail: size 12 B, below 1 KiB",
        ),
        (&path, "group = \"nosuchgroup\", ", "fail: group "),
        (
            folder.path(),
            "entries_fail = 2, ",
            "fail: entries 2 (fail at 2)",
        ),
        (folder.path(), "", "pass: folder of 2, written "),
        (&socket, "", "pass: socket of 0 B, written "),
        (Path::new("/dev/null"), "", "pass: device of 0 B, written "),
    ] {
        let said = said(&look(&file(path, keys)).await);
        assert!(said.starts_with(told), "{keys}: {said}");
    }
}
