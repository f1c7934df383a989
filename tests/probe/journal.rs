//! Journals of systemd in a folder, written as a server that collects those of others writes them.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use belfry::probe::{Env, Probe};
use tempfile::TempDir;

use crate::{PATIENT, env, look, probe, said};

/// Makes journal files of entries in the export format; package systemd-journal-remote.
const WRITER: &str = "/lib/systemd/systemd-journal-remote";

/// A folder of journal files and who reads it.
struct Followed {
    folder: TempDir,
    env: Env,
    probe: Probe,
    /// Entries so far.
    count: i64,
}

/// An entry of `unit` with this priority.
fn entry(unit: &str, priority: u8, message: impl AsRef<[u8]>) -> (String, Vec<u8>) {
    let fields = format!("_SYSTEMD_UNIT={unit}\nSYSLOG_IDENTIFIER={unit}\nPRIORITY={priority}\n");
    (fields, message.as_ref().to_vec())
}

impl Followed {
    fn new(keys: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().display();
        let text = format!("log = {{ journal = true, directory = \"{path}\"{keys} }}");
        Self {
            probe: probe(&text),
            env: env(),
            folder,
            count: 0,
        }
    }

    /// Writes entries into a file of their own, as after a rotation.
    fn write(&mut self, file: &str, entries: &[(String, Vec<u8>)]) {
        let now = belfry::clock::Clock::start().now().millis() * 1_000;
        let mut text = Vec::new();
        for (fields, message) in entries {
            self.count += 1;
            let (at, boot) = (now + self.count, "0123456789abcdef0123456789abcdef");
            let count = self.count;
            write!(
                text,
                "__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={count}\n_BOOT_ID={boot}\n{fields}MESSAGE\n"
            )
            .expect("memory");
            text.extend_from_slice(&(message.len() as u64).to_le_bytes());
            text.extend_from_slice(message);
            text.extend_from_slice(b"\n\n");
        }
        let path = self.folder.path().join(file);
        let mut writer = Command::new(WRITER)
            .args(["--output", path.to_str().expect("a plain path"), "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("systemd-journal-remote is installed; scripts/test does");
        let mut input = writer.stdin.take().expect("it is piped");
        input.write_all(&text).expect("it reads");
        drop(input);
        assert!(writer.wait().expect("it is our child").success());
    }

    async fn look(&self) -> String {
        said(&self.probe.run(&self.env, PATIENT).await)
    }
}

const NONE: &str = "pass: 0 lines within 10 min";

fn counted(count: u64, newest: &str) -> String {
    let lines = if count == 1 { "line" } else { "lines" };
    format!("warn: {count} {lines} within 10 min (warn at 1), the newest: {newest}")
}

#[tokio::test]
async fn what_was_there_is_passed_over_and_what_comes_is_counted_once() {
    let mut log = Followed::new(", match = \"ERROR\"");
    log.write("1.journal", &[entry("a.service", 3, "ERROR old")]);
    assert_eq!(log.look().await, NONE);
    assert_eq!(log.look().await, NONE);
    log.write(
        "2.journal",
        &[
            entry("a.service", 6, "fine"),
            entry("b.service", 6, "ERROR 1"),
            entry("a.service", 6, "two lines\nERROR 2"),
            entry("a.service", 6, b"\xff\xfe ERROR 3"),
        ],
    );
    assert_eq!(log.look().await, counted(3, "\u{fffd}\u{fffd} ERROR 3"));
    assert_eq!(log.look().await, counted(3, "\u{fffd}\u{fffd} ERROR 3"));
}

#[tokio::test]
async fn entries_are_chosen_by_unit_program_and_priority() {
    let mut log = Followed::new(", unit = \"a\", identifier = \"a.service\", priority = \"err\"");
    log.write("1.journal", &[entry("z.service", 6, "begin")]);
    assert_eq!(log.look().await, NONE);
    log.write(
        "2.journal",
        &[
            entry("a.service", 4, "a warning"),
            entry("a.service", 3, "an error"),
            entry("b.service", 3, "of another"),
            entry("a.service", 0, "an emergency"),
        ],
    );
    assert_eq!(log.look().await, counted(2, "an emergency"));
}

#[tokio::test]
async fn a_pattern_for_units_that_are_not_there_yet_matches_them_later() {
    let mut log = Followed::new(", unit = \"php*\"");
    log.write("1.journal", &[entry("z.service", 6, "begin")]);
    assert_eq!(log.look().await, NONE);
    assert_eq!(log.look().await, NONE);
    log.write("2.journal", &[entry("php8.2-fpm.service", 6, "first")]);
    assert_eq!(log.look().await, counted(1, "first"));
}

#[tokio::test]
async fn a_rotation_and_a_vacuum_lose_nothing() {
    let mut log = Followed::new("");
    log.write("1.journal", &[entry("a.service", 6, "before")]);
    assert_eq!(log.look().await, NONE);
    log.write(
        "2.journal",
        &[entry("a.service", 6, "1"), entry("a.service", 6, "2")],
    );
    // The file with the place where it was left is gone; what follows is all there.
    fs::remove_file(log.folder.path().join("1.journal")).unwrap();
    assert_eq!(log.look().await, counted(2, "2"));
    fs::remove_file(log.folder.path().join("2.journal")).unwrap();
    let told = log.look().await;
    assert!(
        told.starts_with("warn: 2 lines")
            && told.ends_with("there is no journal; nothing can be counted"),
        "{told}"
    );
    log.write("3.journal", &[entry("a.service", 6, "3")]);
    assert_eq!(log.look().await, counted(3, "3"));
}

#[tokio::test]
async fn a_journal_that_appears_later_is_read_from_its_begin() {
    let mut log = Followed::new("");
    assert_eq!(
        log.look().await,
        "unknown: there is no journal; nothing can be counted"
    );
    log.write("1.journal", &[entry("a.service", 6, "first")]);
    assert_eq!(log.look().await, counted(1, "first"));
    let nowhere = look("log = { journal = true, directory = \"/no/such/journal\" }").await;
    assert_eq!(
        said(&nowhere),
        "unknown: journalctl: exit code 1 Failed to open /no/such/journal: No such file or directory"
    );
}

#[tokio::test]
async fn a_flood_is_counted_to_its_end_and_one_entry_of_megabytes_stops_nothing() {
    let mut log = Followed::new(", match = \"^ERROR\"");
    log.write("1.journal", &[entry("a.service", 6, "begin")]);
    assert_eq!(log.look().await, NONE);
    let long = format!("ERROR {}", "x".repeat(20_000));
    let mut entries: Vec<_> = (0..200).map(|_| entry("a.service", 6, &long)).collect();
    entries.insert(100, entry("a.service", 6, "y".repeat(3 << 20)));
    entries.push(entry("a.service", 6, "ERROR last"));
    log.write("2.journal", &entries);
    assert_eq!(log.look().await, counted(201, "ERROR last"));
}

#[tokio::test]
async fn what_one_look_has_no_room_for_is_left_for_the_next_and_said() {
    let mut log = Followed::new(", match = \"^ERROR\"");
    log.write("1.journal", &[entry("a.service", 6, "begin")]);
    assert_eq!(log.look().await, NONE);
    // Sixteen runs of a megabyte each are one look.
    let long = "x".repeat(50_000);
    let entries: Vec<_> = (0..500).map(|_| entry("a.service", 6, &long)).collect();
    log.write("2.journal", &entries);
    log.write("3.journal", &[entry("a.service", 6, "ERROR last")]);
    let left = format!("{NONE}, some left for the next look");
    assert_eq!(log.look().await, left);
    let mut told = left.clone();
    while told == left {
        told = log.look().await;
    }
    assert_eq!(told, counted(1, "ERROR last"));
}

#[test]
fn a_journal_of_others_is_unknown_with_the_group_to_join() {
    let inside = crate::inside::Inside::new();
    let mut log = Followed::new("");
    log.write("1.journal", &[entry("a.service", 6, "begin")]);
    let file = log.folder.path().join("1.journal");
    let folder = inside.path().join("journal");
    fs::create_dir(&folder).unwrap();
    fs::copy(file, folder.join("1.journal")).unwrap();
    crate::inside::mode(&folder.join("1.journal"), 0o000);
    let key = format!("log = {{ journal = true, directory = {folder:?} }}");
    assert_eq!(
        inside.as_nobody(&key),
        "unknown: we may not read all of the journal; add our user to the group systemd-journal (SupplementaryGroups= of \
         our unit)"
    );
}
