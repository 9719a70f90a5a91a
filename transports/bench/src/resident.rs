//! How much memory the process has.

use std::fs;

/// Bytes of memory of this process, as the operating system counts them. `None` where it is not
/// Linux.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// Now.
    pub now: u64,
    /// The most since the start, or since [`peak_over`] last began.
    pub peak: u64,
}

impl Resident {
    /// What it has now.
    #[must_use]
    pub fn get() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes * 1024)
        };
        Some(Self { now: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

/// How many bytes above what it has now the process gets while something runs.
pub fn peak_over(run: impl FnOnce()) -> Option<u64> {
    // Makes Linux forget the peak so far.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = Resident::get()?;
    run();
    Some(Resident::get()?.peak.saturating_sub(before.now))
}
