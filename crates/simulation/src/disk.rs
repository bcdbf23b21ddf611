//! The disk under the journal: full, read-only or slow for a while. The file and SQLite are real.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use visionguard_client::journal::{Disk, FILE_NAME, Pauses};

use crate::check::Popups;
use crate::world::{Shared, World, lock};

/// What is wrong with the disk.
#[derive(Debug, Default)]
pub struct DiskState {
    /// The file cannot grow.
    pub full: bool,
    /// Nothing can be written.
    pub read_only: bool,
    /// Everything takes its time.
    pub slow: bool,
}

/// The disk, as the journal meets it.
pub struct SimulatedDisk(pub Shared);

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedDisk")
    }
}

impl Disk for SimulatedDisk {
    fn prepare(&self, connection: &Connection) -> Pauses {
        let mut world = lock(&self.0);
        // SQLite allows no less than there is, so that one page is "not one more".
        let pages: i64 = if world.disk.full { 1 } else { 1_073_741_823 };
        let _ = connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
        let _ = connection.pragma_update(None, "query_only", world.disk.read_only);
        let longest = if world.disk.slow { 1_500 } else { 4 };
        Pauses {
            before: world.dice.millis(0..longest),
            after: Duration::from_millis(world.dice.below(0..longest / 2)),
        }
    }
}

impl World {
    /// Whether the disk took no writes within this time.
    pub fn disk_trouble_within(&self, time: Duration) -> bool {
        self.now < self.checks.disk_trouble_until + time || self.disk.slow
    }

    /// Writes over some of the journal's file.
    pub fn damage_the_journal(&mut self, directory: &Path) -> io::Result<()> {
        let path = directory.join(FILE_NAME);
        if !path.exists() {
            return Ok(());
        }
        let mut bytes = fs::read(&path)?;
        let length = bytes.len() as u64;
        for _ in 0..self.dice.below(1..6) {
            let at = usize::try_from(self.dice.below(0..length)).unwrap_or(0);
            let damage = usize::try_from(self.dice.below(1..4_000)).unwrap_or(1);
            for byte in bytes.iter_mut().skip(at).take(damage) {
                *byte ^= 0x5a;
            }
        }
        self.line("disk: the journal is damaged");
        self.checks.damaged_at = Some(self.now);
        // Another journal begins, and with it the numbers.
        self.checks.popups = Popups::default();
        self.checks.of_incident.clear();
        self.person.decided.clear();
        self.person.incidents.clear();
        fs::write(path, bytes)
    }
}
