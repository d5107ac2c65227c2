//! How long this machine has been running, as Linux reports it to every process.

use crate::policy::timeline::Uptime;

/// A start of this machine, identified by an id that no other start has.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Boot {
    /// The kernel's id of this start.
    id: u128,
    /// The time namespace. In each of them the clock has another offset.
    namespace: u64,
}

#[cfg(target_os = "linux")]
impl Boot {
    /// Reads the id of the start; `None` if the kernel does not provide it.
    pub(super) fn read() -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        // A kernel without time namespaces has only one such clock.
        let namespace = std::fs::metadata("/proc/self/ns/time").map_or(0, |namespace| namespace.ino());
        Some(Self { id: parse(&id)?, namespace })
    }

    /// The time since then. It continues to count while the machine sleeps.
    pub(super) fn uptime(self) -> Option<Uptime> {
        let elapsed = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let Self { id, namespace } = self;
        Some(Uptime { boot: format!("{id:032x}-{namespace}"), elapsed: elapsed.try_into().ok()? })
    }
}

/// On other systems no clock is known to be shared by all processes and to count during sleep.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Clone, Copy)]
pub(super) struct Boot;

#[cfg(not(target_os = "linux"))]
impl Boot {
    pub(super) const fn read() -> Option<Self> {
        None
    }

    pub(super) const fn uptime(self) -> Option<Uptime> {
        None
    }
}

/// Parses a UUID as the kernel prints it.
#[cfg(target_os = "linux")]
fn parse(id: &str) -> Option<u128> {
    u128::from_str_radix(&id.trim().replace('-', ""), 16).ok()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_name_for_a_start_is_read() {
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n";
        assert_eq!(parse(id), Some(0x0f1e_2d3c_4b5a_6978_8796_a5b4_c3d2_e1f0));
        for nonsense in ["", "-", "x", "1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f00"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_uptime_goes_on_and_the_start_stays() {
        let boot = Boot::read().unwrap();
        let (first, second) = (boot.uptime().unwrap(), Boot::read().unwrap().uptime().unwrap());
        assert_eq!(first.boot, second.boot);
        assert!(first.elapsed <= second.elapsed);
    }
}
