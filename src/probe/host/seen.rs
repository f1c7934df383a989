//! What /proc says of the machine at one moment. See proc(5) and the kernel's accounting/psi.rst.

use procfs::{
    CpuPressure, CpuTime, Current, CurrentSI, IoPressure, KernelStats, LoadAverage, Meminfo,
    MemoryPressure, ProcResult, sys,
};

/// One moment. What this kernel does not tell is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// Processors.
    pub(super) cores: f64,
    /// Ticks of all processors since the start: idle or waiting for a disk, and all.
    pub(super) ticks: (u64, u64),
    /// Tasks that want to run, the mean of five minutes.
    pub(super) load: f64,
    /// Percent of the memory that is in use and could not be given to somebody else.
    pub(super) memory: Option<f64>,
    /// Percent; none without swap.
    pub(super) swap: Option<f64>,
    /// Percent of the last minute in which some task waited for it.
    pub(super) cpu_pressure: Option<f64>,
    pub(super) memory_pressure: Option<f64>,
    pub(super) io_pressure: Option<f64>,
    /// Percent of the files that the system may have open.
    pub(super) files: Option<f64>,
    /// Processes killed for want of memory since the start.
    pub(super) oom_kills: u64,
    /// The bits of `/proc/sys/kernel/tainted`.
    pub(super) tainted: u64,
}

impl Seen {
    /// Now.
    pub(super) fn now() -> ProcResult<Self> {
        let (stat, memory) = (KernelStats::current()?, Meminfo::current()?);
        let cores = u32::try_from(stat.cpu_time.len())
            .unwrap_or(u32::MAX)
            .max(1);
        Ok(Self {
            cores: cores.into(),
            ticks: ticks(&stat.total),
            load: LoadAverage::current()?.five.into(),
            memory: memory
                .mem_available
                .and_then(|free| used(free, memory.mem_total)),
            swap: used(memory.swap_free, memory.swap_total),
            cpu_pressure: CpuPressure::current().ok().map(|p| p.some.avg60.into()),
            memory_pressure: MemoryPressure::current().ok().map(|p| p.some.avg60.into()),
            io_pressure: IoPressure::current().ok().map(|p| p.some.avg60.into()),
            files: sys::fs::file_nr()
                .ok()
                .and_then(|files| used(files.max.saturating_sub(files.allocated), files.max)),
            oom_kills: procfs::vmstat()
                .ok()
                .and_then(|stat| u64::try_from(*stat.get("oom_kill")?).ok())
                .unwrap_or_default(),
            tainted: std::fs::read_to_string("/proc/sys/kernel/tainted")
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or_default(),
        })
    }

    /// How busy the processors were since `before`, in percent of all; none where no time has passed.
    pub(super) fn busy_since(&self, before: &Self) -> Option<f64> {
        let all = self.ticks.1.saturating_sub(before.ticks.1);
        let idle = self.ticks.0.saturating_sub(before.ticks.0);
        used(idle, all)
    }
}

fn ticks(total: &CpuTime) -> (u64, u64) {
    let more = [total.irq, total.softirq, total.steal];
    let idle = total.idle + total.iowait.unwrap_or_default();
    let busy = total.user + total.nice + total.system + more.iter().flatten().sum::<u64>();
    (idle, idle + busy)
}

/// What is not free, in percent.
#[expect(
    clippy::cast_precision_loss,
    reason = "percent of at most some petabytes"
)]
fn used(free: u64, all: u64) -> Option<f64> {
    let used = all.saturating_sub(free);
    (all > 0).then(|| used as f64 / all as f64 * 100.0)
}
