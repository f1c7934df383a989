//! How long the device of a file system takes: `/sys/dev/block/MAJOR:MINOR/stat` (Documentation/block/stat.rst of
//! Linux).

use std::fs::read_to_string;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::{major, minor};
use procfs::process::{MountInfos, Process};
use tokio::time::Instant;

use super::bytes;

/// Where the kernel tells of block devices by their numbers.
pub(super) const PLACE: &str = "/sys/dev/block";
const NO_DEVICE: &str =
    "the file system is on no device of its own: it is in memory, layered, or remote";
/// Shortest time between two looks of which a share is told.
const LEAST: Duration = Duration::from_millis(100);

/// What a device has done since the system was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    reads: u64,
    /// Milliseconds of all of them together.
    reading: u64,
    writes: u64,
    writing: u64,
    /// Milliseconds in which it had something to do.
    busy: u64,
}

/// What it has done between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moved {
    /// Seconds for each read; none where there was no read.
    pub(super) read: Option<f64>,
    pub(super) write: Option<f64>,
    /// Percent of the time.
    pub(super) busy: Option<f64>,
}

impl Counters {
    /// Of the device that holds `path`; else why there is none. Hangs for as long as the file system does.
    pub(super) fn now(place: &Path, path: &Path) -> Result<Self, String> {
        let device = device(path).map_err(|error| error.to_string())?;
        let device = format!("{}:{}", major(device), minor(device));
        let text = read_to_string(place.join(&device).join("stat"));
        let text = text.map_err(|_| NO_DEVICE.to_owned())?;
        Self::parse(&text)
            .ok_or_else(|| format!("what the kernel says of {device} is not understood"))
    }

    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text
            .split_whitespace()
            .map_while(|word| word.parse().ok())
            .collect();
        let [reads, _, _, reading, writes, _, _, writing, _, busy, ..] = numbers[..] else {
            return None;
        };
        Some(Self {
            reads,
            reading,
            writes,
            writing,
            busy,
        })
    }

    /// What it has done since `before`, which was `ago`. A device that was taken away and came back begins anew.
    pub(super) fn since(&self, before: &Self, ago: Duration) -> Moved {
        let each = |count: Option<u64>, time: Option<u64>| {
            let count = count.filter(|count| *count > 0)?;
            Some(bytes(time?) / bytes(count) / 1_000.0)
        };
        let busy = self.busy.checked_sub(before.busy).filter(|_| ago >= LEAST);
        Moved {
            read: each(
                self.reads.checked_sub(before.reads),
                self.reading.checked_sub(before.reading),
            ),
            write: each(
                self.writes.checked_sub(before.writes),
                self.writing.checked_sub(before.writing),
            ),
            // Counted in ticks, it may be a little more than the time that went by.
            busy: busy.map(|busy| (bytes(busy) / ago.as_secs_f64() / 10.0).min(100.0)),
        }
    }
}

/// The number of the device that a path is on. That of a file system with subvolumes (btrfs) is made up; then it is
/// the device that it was mounted from.
fn device(path: &Path) -> io::Result<u64> {
    let device = std::fs::metadata(path)?.dev();
    if major(device) != 0 {
        return Ok(device);
    }
    let path = std::fs::canonicalize(path)?;
    let mounts = Process::myself().and_then(|us| us.mountinfo());
    let source = mounts.ok().and_then(|mounts| source(&mounts, &path));
    let source = source.and_then(|source| std::fs::metadata(source).ok());
    let block = source.filter(|about| about.file_type().is_block_device());
    Ok(block.map_or(device, |about| about.rdev()))
}

/// What was mounted where `path` is. The last mount of a place covers those before it.
fn source(mounts: &MountInfos, path: &Path) -> Option<String> {
    let holding = mounts.iter().filter(|m| path.starts_with(&m.mount_point));
    let holder = holding.max_by_key(|m| m.mount_point.components().count())?;
    let source = holder.mount_source.as_ref();
    source.filter(|source| source.starts_with('/')).cloned()
}

/// The look before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) at: Instant,
    pub(super) counters: Counters,
}

#[cfg(test)]
mod tests {
    use procfs::FromBufRead as _;

    use super::*;

    fn parsed(text: &str) -> Counters {
        Counters::parse(text).expect("it is whole")
    }

    #[test]
    fn the_time_of_one_access_is_that_of_all_through_their_number() {
        let before = parsed("100 0 800 250 200 0 1600 900 0 500 1150");
        let now = parsed("  110 0 880 450 200 0 1600 900 3 3500 4150 0 0 0 0 7 9\n");
        let moved = now.since(&before, Duration::from_secs(10));
        assert_eq!(moved.read, Some(0.02));
        assert_eq!(moved.write, None, "there was none");
        assert_eq!(moved.busy, Some(30.0));
    }

    #[test]
    fn what_begins_anew_or_goes_on_for_no_time_says_nothing() {
        let (now, before) = (
            parsed("1 0 0 1 1 0 0 1 0 1 1"),
            parsed("9 0 0 9 9 0 0 9 0 9 9"),
        );
        assert_eq!(
            now.since(&before, Duration::from_secs(10)),
            Moved::default()
        );
        assert_eq!(before.since(&now, Duration::ZERO).busy, None);
        let second = Duration::from_secs(1);
        let long = parsed("9 0 0 9 9 0 0 9 0 5000 9").since(&now, second);
        assert_eq!(long.busy, Some(100.0));
    }

    #[test]
    fn what_is_no_statistic_is_refused() {
        for text in ["", "1 2 3", "1 0 0 x 1 0 0 1 0 1 1"] {
            assert_eq!(Counters::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_device_of_a_subvolume_is_that_which_was_mounted_there() {
        let text = b"27 1 0:21 / / rw - btrfs /dev/sda2 rw,subvol=/\n\
            28 27 0:40 /home /home rw - btrfs /dev/sdb1 rw\n\
            29 27 0:41 / /home/share rw - nfs nas:/share rw\n\
            30 27 0:42 / /srv rw - tmpfs tmpfs rw\n\
            31 27 0:43 / /srv rw - btrfs /dev/sdc1 rw\n";
        let mounts = MountInfos::from_buf_read(&text[..]).expect("it is valid");
        for (path, from) in [
            ("/etc", Some("/dev/sda2")),
            ("/homework", Some("/dev/sda2")),
            ("/home/a", Some("/dev/sdb1")),
            ("/home/share/a", None),
            ("/srv", Some("/dev/sdc1")),
        ] {
            assert_eq!(source(&mounts, Path::new(path)).as_deref(), from, "{path}");
        }
    }

    #[test]
    fn a_device_whose_statistic_is_not_understood_is_named() {
        let place = tempfile::tempdir().expect("a folder");
        let about = std::fs::metadata(place.path()).expect("it is there").dev();
        let device = format!("{}:{}", major(about), minor(about));
        std::fs::create_dir(place.path().join(&device)).expect("there is room");
        std::fs::write(place.path().join(&device).join("stat"), "odd\n").expect("there is room");
        let told = Counters::now(place.path(), place.path()).expect_err("it is odd");
        assert_eq!(
            told,
            format!("what the kernel says of {device} is not understood")
        );
    }

    #[test]
    fn what_is_in_memory_has_no_device() {
        let told = Counters::now(Path::new(PLACE), Path::new("/proc")).expect_err("it has none");
        assert!(told.contains("no device of its own"), "{told}");
    }
}
