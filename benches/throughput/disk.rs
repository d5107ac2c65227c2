//! What the disk does by itself: a durable store can be no faster than its syncs.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant};

use crate::sink::micros_now;

/// What one commit of a batch writes, about.
const WRITTEN: usize = 64 * 1024;
/// The file's size, which does not change: 16 MiB, as SQLite's log grows to.
const WRITES: u64 = 256;

/// The longest that one sync took, of a file in the directory of the stores' files which is
/// written and synced in a loop for this long.
pub(crate) fn longest_sync(during: Duration) -> Duration {
    let path = std::env::temp_dir().join(format!("hookpost-bench-sync-{}", micros_now()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
    let written = vec![1; WRITTEN];
    for _ in 0..WRITES {
        file.write_all(&written).unwrap();
    }
    file.sync_all().unwrap();
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    for n in 0.. {
        if start.elapsed() >= during {
            break;
        }
        file.seek(SeekFrom::Start(n % WRITES * WRITTEN as u64)).unwrap();
        file.write_all(&written).unwrap();
        let before = Instant::now();
        file.sync_data().unwrap();
        longest = longest.max(before.elapsed());
    }
    std::fs::remove_file(path).unwrap();
    longest
}
