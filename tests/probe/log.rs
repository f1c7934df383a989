//! Real logs, rotated in every way there is.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use belfry::core::outcome::Verdict;
use belfry::probe::{Env, Probe};
use tempfile::TempDir;

use crate::{env, probe, said};

/// A log and who follows it.
struct Followed {
    folder: TempDir,
    env: Env,
    probe: Probe,
}

impl Followed {
    fn new(keys: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("log");
        let text = format!(
            "log = {{ {keys}file = \"{}\", match = \"ERROR\" }}",
            path.display()
        );
        Self {
            folder,
            env: env(),
            probe: probe(&text),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Writes at the end, as who keeps a log does.
    fn write(&self, text: impl AsRef<[u8]>) -> File {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path())
            .expect("the folder is ours");
        file.write_all(text.as_ref()).expect("there is room");
        file
    }

    /// The lines that count so far, and what was said.
    async fn count(&self) -> (u64, String) {
        let outcome = self.probe.run(&self.env, crate::PATIENT).await;
        let metrics = outcome.metrics.clone().unwrap_or_default();
        let lines = metrics
            .iter()
            .find(|metric| metric.name.as_ref() == "lines");
        let count = lines.map_or(0.0, |metric| metric.value);
        let whole = (0..100_000_u32).find(|whole| f64::from(*whole) >= count);
        (whole.unwrap_or(u32::MAX).into(), said(&outcome))
    }
}

#[tokio::test]
async fn it_begins_at_the_end_and_counts_each_line_once() {
    let log = Followed::new("fail = 3, ignore = \"harmless\", ");
    log.write("ERROR before we came\n");
    assert_eq!(
        log.count().await,
        (0, "pass: 0 lines within 10 min".to_owned())
    );
    log.write("fine\nERROR one\nERROR but harmless\nERR");
    assert_eq!(
        log.count().await,
        (
            1,
            "warn: 1 line within 10 min (warn at 1), the newest: ERROR one".to_owned()
        )
    );
    assert_eq!(log.count().await.0, 1);
    log.write("OR two\r\nERROR \x1b[31mthree\x1b[0m\n");
    assert_eq!(
        log.count().await,
        (
            3,
            "fail: 3 lines within 10 min (fail at 3), the newest: ERROR  [31mthree [0m".to_owned()
        )
    );
}

#[tokio::test]
async fn lines_are_forgotten_after_their_time() {
    let log = Followed::new("within = \"1s\", ");
    log.write("");
    log.count().await;
    log.write("ERROR\n");
    assert_eq!(log.count().await.0, 1);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(
        log.count().await,
        (0, "pass: 0 lines within 10 min".replace("10 min", "1 s"))
    );
}

#[tokio::test]
async fn a_log_that_is_renamed_is_read_to_its_end_also_by_who_still_writes_to_it() {
    let log = Followed::new("");
    log.write("");
    log.count().await;
    log.write("ERROR 1\n");
    let mut old = log.write("ERROR 2\n");
    fs::rename(log.path(), log.folder.path().join("log.1")).unwrap();
    assert_eq!(
        log.count().await.0,
        2,
        "nothing is there, the old one was read"
    );
    old.write_all(b"ERROR 3\n").unwrap();
    log.write("ERROR 4\n");
    assert_eq!(log.count().await.0, 4);
    // The writer has not heard of the rotation yet, and its last line has no end.
    old.write_all(b"ERROR 5\nERROR 6").unwrap();
    assert_eq!(log.count().await.0, 6);
    log.write("ERROR 7\n");
    assert_eq!(log.count().await.0, 7);
}

#[tokio::test]
async fn a_log_that_is_copied_and_truncated_goes_on() {
    let log = Followed::new("");
    log.write("a line that was there\n");
    log.count().await;
    log.write("ERROR 1\nERROR 2\n");
    assert_eq!(log.count().await.0, 2);
    fs::copy(log.path(), log.folder.path().join("log.1")).unwrap();
    File::create(log.path()).unwrap();
    log.write("ERROR 3\n");
    assert_eq!(log.count().await.0, 3, "it is shorter");
    File::create(log.path()).unwrap();
    log.write("ERROR 4 which is much longer than all that was there\nERROR 5\n");
    assert_eq!(log.count().await.0, 5, "it has grown beyond the place");
}

#[tokio::test]
async fn a_log_that_is_removed_and_made_again_goes_on() {
    let log = Followed::new("");
    let (count, told) = log.count().await;
    assert_eq!(count, 0);
    assert!(
        told.starts_with("unknown: there is no ") && told.ends_with("nothing can be counted"),
        "{told}"
    );
    // What appears while we look is read from its start.
    log.write("ERROR 1\n");
    assert_eq!(log.count().await.0, 1);
    for number in 2..6 {
        log.write(format!("ERROR {number} at the end of the old one\n"));
        fs::remove_file(log.path()).unwrap();
        log.write("nothing\n");
        assert_eq!(log.count().await.0, number);
    }
}

#[tokio::test]
async fn a_line_of_a_gigabyte_is_cut_and_costs_no_memory() {
    let log = Followed::new("");
    log.write("");
    log.count().await;
    // Data, not a hole; then holes, which are passed over.
    let piece = vec![b'x'; 1 << 20];
    log.write("ERROR at the start ");
    for _ in 0..40 {
        log.write(&piece);
    }
    log.write("ERROR in the middle of it\nERROR 2\n");
    let (count, told) = log.count().await;
    assert_eq!(count, 1, "{told}");
    assert!(
        told.contains("ERROR at the start xxx") && told.len() < 400,
        "{told}"
    );
    assert_eq!(log.count().await.0, 1);
    assert_eq!(log.count().await.0, 2);
    let length = fs::metadata(log.path()).unwrap().len();
    let sparse = OpenOptions::new().write(true).open(log.path()).unwrap();
    sparse
        .write_all_at(b"\nERROR 3\n", length + (1 << 34))
        .unwrap();
    let mut count = 0;
    for _ in 0..3 {
        count = log.count().await.0;
    }
    assert_eq!(count, 3, "sixteen gigabytes of nothing");
    let resident = fs::read_to_string("/proc/self/status").unwrap();
    let peak = resident
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 400 << 10, "{peak}");
}

#[tokio::test]
async fn what_is_too_much_for_one_look_is_left_for_the_next_and_said() {
    let log = Followed::new("warn = 90000, ");
    log.write("");
    log.count().await;
    let line = format!("{}\n", "x".repeat(1_023));
    log.write(format!("ERROR\n{}ERROR\n", line.repeat(20 << 10)));
    let (count, told) = log.count().await;
    assert_eq!(count, 1);
    assert!(told.ends_with("4 MiB left for the next look"), "{told}");
    // A rotation meanwhile does not cut it off.
    fs::rename(log.path(), log.folder.path().join("log.1")).unwrap();
    log.write("ERROR\n");
    assert_eq!(log.count().await.0, 3);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_counted_and_shown_harmless() {
    let log = Followed::new("");
    log.write("");
    log.count().await;
    log.write(b"\xff\xfe\0ERROR \x00\x9b\xc3\x28\nERROR\xe2\x80\xae2\n\n\n");
    let (count, told) = log.count().await;
    assert_eq!(count, 2);
    assert_eq!(
        told,
        "warn: 2 lines within 10 min (warn at 1), the newest: ERROR 2"
    );
}

#[tokio::test]
async fn what_is_no_file_is_unknown() {
    let log = Followed::new("");
    nix::unistd::mkfifo(&log.path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let outcome = log.probe.run(&log.env, crate::PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert!(
        outcome.message().ends_with("it is no regular file"),
        "{}",
        said(&outcome)
    );
}
