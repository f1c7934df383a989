//! What the kernel tells of this process, under the names that every exporter uses.

use procfs::process::Process;
use procfs::{ProcResult, WithCurrentSystemInfo};
use prometheus_client::registry::Unit;

use super::vital::{Number, Value};

/// The figures; fewer where the kernel does not tell (a hidden /proc).
pub(super) fn numbers() -> Vec<Number> {
    read().unwrap_or_default()
}

fn read() -> ProcResult<Vec<Number>> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = exact(procfs::ticks_per_second());
    let started = exact(procfs::boot_time_secs()?) + exact(stat.starttime) / ticks;
    let figure = |name, help, unit, value| Number {
        name,
        help,
        unit,
        value,
    };
    Ok(vec![
        figure(
            "cpu",
            "Processor time used",
            Some(Unit::Seconds),
            Value::Count(exact(stat.utime + stat.stime) / ticks),
        ),
        figure(
            "resident_memory",
            "Memory in use",
            Some(Unit::Bytes),
            Value::Level(exact(stat.rss_bytes().get())),
        ),
        figure(
            "open_fds",
            "File descriptors that are open",
            None,
            Value::Level(exact(
                u64::try_from(process.fd_count()?).unwrap_or(u64::MAX),
            )),
        ),
        figure(
            "start_time",
            "When it started",
            Some(Unit::Seconds),
            Value::Level(started),
        ),
    ])
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nothing here is counted to 2^53"
)]
fn exact(count: u64) -> f64 {
    count as f64
}
