//! The disk under the journal: full, read-only or slow for a while. The file and SQLite are real.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use visionguard_client::journal::{Disk, FILE_NAME, Pauses};

use crate::check::{Popups, lines, read};
use crate::plan::Bug;
use crate::server::SHOPS;
use crate::world::{Shared, World, lock};

/// SQLite's `synchronous` from which on a commit is on the disk when it is known.
const FULL: i64 = 2;
/// A journal in memory is on the disk so soon after it can be.
const SETTLES_WITHIN: Duration = Duration::from_secs(75);

/// What is wrong with the disk.
#[derive(Debug, Default)]
pub struct DiskState {
    /// The file cannot grow.
    pub full: bool,
    /// Nothing can be written.
    pub read_only: bool,
    /// Everything takes its time.
    pub slow: bool,
    /// The file cannot be opened: it lies elsewhere.
    pub hidden: bool,
    /// Since when it can be opened again.
    pub opens_at: Option<Duration>,
    memory_since: Duration,
    /// The client used a journal in memory last.
    pub in_memory: bool,
    /// Detections that a journal in memory has. Nobody is told of those that a first look into the record takes as history.
    held: BTreeSet<u64>,
    /// The journal's connection waits for the disk with each commit.
    waits: bool,
    /// The file is damaged, and no client had it open since, which would have put another in its place.
    pub damage_is_unseen: bool,
}

impl DiskState {
    /// Whether the journal that is kept in memory has this detection.
    pub fn holds(&self, number: u64) -> bool {
        self.held.contains(&number)
    }

    /// The client that held a journal in memory is gone.
    pub fn forgets_memory(&mut self) {
        self.held.clear();
    }
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
        if connection.path().is_some_and(|path| !path.is_empty()) {
            world.disk.damage_is_unseen = false;
        }
        if connection.is_readonly("main") == Ok(false) {
            if world.plan.bug == Some(Bug::TrustsTheCache) {
                let _ = connection.pragma_update(None, "synchronous", "normal");
            }
            let synchronous = connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0));
            world.disk.waits = synchronous.is_ok_and(|synchronous| synchronous >= FULL);
        }
        world.disk.in_memory = connection.path().is_none_or(str::is_empty);
        if world.disk.in_memory {
            let lines = lines(connection).unwrap_or_default();
            world.disk.held = lines.iter().filter_map(|line| line.frame.or(line.named)).collect();
        }
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
        self.now < self.checks.disk_trouble_until + time
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
        self.another_journal_begins();
        self.disk.damage_is_unseen = true;
        fs::write(path, bytes)
    }

    /// What was stored so far counts no more.
    pub fn another_journal_begins(&mut self) {
        self.checks.damaged_at = Some(self.now);
        // And with it the numbers.
        self.checks.popups = Popups::default();
        self.checks.of_incident.clear();
        self.checks.order.are_left(BTreeSet::new());
        self.person.decided.clear();
        self.person.incidents.clear();
    }

    /// The machine loses its power: what was not synced is gone, as far as the settings of SQLite tell what was. Of the
    /// transaction that came next some blocks are written.
    pub fn loses_power(&mut self, directory: &Path) -> io::Result<()> {
        let path = directory.join(format!("{FILE_NAME}-wal"));
        if !path.exists() {
            return Ok(());
        }
        let mut log = fs::read(&path)?;
        if !self.disk.waits {
            self.line("disk: the power fails; nothing since the last checkpoint was synced");
            return fs::write(path, []);
        }
        let end = end_of_frames(&log);
        let torn = usize::try_from(self.dice.below(0..20_000)).unwrap_or(0);
        self.line(format!("disk: the power fails; {torn} bytes of what came next are on the disk"));
        for at in end..end + torn {
            let byte = u8::try_from(self.dice.below(0..256)).unwrap_or(0);
            match log.get_mut(at) {
                Some(old) => *old = byte,
                None => log.push(byte),
            }
        }
        fs::write(path, log)
    }

    /// Where the journal's file is.
    pub fn journal_place(&self) -> PathBuf {
        if self.disk.hidden { self.directory.with_extension("hidden") } else { self.directory.clone() }
    }

    /// Something else lies where the journal should: it cannot be opened.
    pub fn hides_the_journal(&mut self, directory: &Path) -> io::Result<()> {
        let elsewhere = directory.with_extension("hidden");
        if self.disk.hidden || !directory.join(FILE_NAME).exists() {
            return Ok(());
        }
        if elsewhere.exists() {
            fs::remove_dir_all(&elsewhere)?;
        }
        fs::create_dir_all(&elsewhere)?;
        for name in names() {
            if directory.join(&name).exists() {
                fs::rename(directory.join(&name), elsewhere.join(&name))?;
            }
        }
        fs::create_dir(directory.join(FILE_NAME))?;
        self.line("disk: the journal cannot be opened");
        if !self.is_in_memory() {
            self.disk.memory_since = self.now;
        }
        self.disk.hidden = true;
        self.disk.opens_at = None;
        Ok(())
    }

    /// The journal's file is where it was.
    pub fn journal_comes_back(&mut self) {
        if !std::mem::take(&mut self.disk.hidden) {
            return;
        }
        self.line("disk: the journal can be opened");
        self.disk.opens_at = Some(self.now);
        let elsewhere = self.directory.with_extension("hidden");
        let back = || {
            fs::remove_dir(self.directory.join(FILE_NAME))?;
            for name in names() {
                if elsewhere.join(&name).exists() {
                    fs::rename(elsewhere.join(&name), self.directory.join(&name))?;
                }
            }
            fs::remove_dir_all(&elsewhere)
        };
        if let Err(error) = back() {
            self.fail("I11", format!("cannot put the journal back: {error}"));
        }
    }

    /// Whether what the client stored may be in its memory alone: it is moved soon after the disk allows it.
    pub fn is_in_memory(&self) -> bool {
        let settles_until =
            |opens_at: Duration| opens_at.max(self.checks.disk_trouble_until) + SETTLES_WITHIN;
        let may_be = self.disk.opens_at.is_some_and(|opens_at| self.now < settles_until(opens_at));
        self.disk.hidden || self.disk.in_memory && may_be
    }

    /// Since when, if so.
    pub fn in_memory_since(&self) -> Option<Duration> {
        self.is_in_memory().then_some(self.disk.memory_since)
    }

    /// The disk is as it should be.
    pub fn disk_is_well(&mut self) {
        self.journal_comes_back();
        (self.disk.full, self.disk.read_only, self.disk.slow) = (false, false, false);
    }

    /// The person had the journal erased: nothing of it is in its files.
    pub fn nothing_is_left(&mut self) {
        let place = self.journal_place();
        match read(&place) {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => return self.fail("erase", format!("{} alerts are left", lines.len())),
            Err(error) => return self.fail("I11", format!("the journal cannot be read: {error}")),
        }
        for name in names() {
            let bytes = fs::read(place.join(&name)).unwrap_or_default();
            let shop = SHOPS[0].as_bytes();
            if bytes.windows(shop.len()).any(|window| window == shop) {
                return self.fail("erase", format!("what was erased is still in {name}"));
            }
        }
    }

    /// Whether the disk ever refused to write.
    pub fn disk_had_trouble(&self) -> bool {
        self.checks.disk_trouble_until > Duration::ZERO
    }
}

/// The journal's files.
fn names() -> [String; 3] {
    ["", "-wal", "-shm"].map(|suffix| format!("{FILE_NAME}{suffix}"))
}

/// Where SQLite would write the next frame of its write-ahead log: behind the last of the present round.
fn end_of_frames(log: &[u8]) -> usize {
    const HEADER: usize = 32;
    const OF_FRAME: usize = 24;
    let (Some(page), Some(salts)) = (log.get(8..12), log.get(16..24)) else { return 0 };
    let page = page.iter().fold(0_usize, |size, byte| size * 256 + usize::from(*byte));
    let mut at = HEADER;
    while log.get(at + 8..at + 16) == Some(salts) {
        at += OF_FRAME + page;
    }
    at
}
