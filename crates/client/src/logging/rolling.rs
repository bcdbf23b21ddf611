//! A file that begins anew each day and at a size, and old ones that go.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::redact::redact;
use crate::clock::Clock;

/// When a file is full.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How many files there are at most, the current one included.
const MAX_FILES: usize = 8;

/// How old one gets.
const MAX_DAYS: i64 = 7;

/// Writes lines, redacted, to `visionguard.{date}.{number}.log`.
pub(super) struct Rolling {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    date: Date,
    number: u32,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl Rolling {
    /// Goes on in today's newest file.
    pub(super) fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Rolling> {
        create_private(folder)?;
        let date = date_of(clock.wall());
        let newest =
            files(folder)?.into_iter().filter(|file| file.date == date).map(|file| file.number).max();
        let number = newest.unwrap_or(0);
        let file = open(&path(folder, date, number))?;
        let written = file.metadata()?.len();
        let rolling =
            Rolling { folder: folder.to_owned(), clock, date, number, file, written, max_bytes: MAX_BYTES };
        rolling.prune();
        Ok(rolling)
    }

    fn roll_if_due(&mut self) -> io::Result<()> {
        let today = date_of(self.clock.wall());
        let (date, number) = match (today == self.date, self.written >= self.max_bytes) {
            (true, false) => return Ok(()),
            (true, true) => (today, self.number + 1),
            (false, _) => (today, 0),
        };
        self.file = open(&path(&self.folder, date, number))?;
        self.written = self.file.metadata()?.len();
        (self.date, self.number) = (date, number);
        self.prune();
        Ok(())
    }

    /// A file that cannot be removed is tried again at the next roll.
    fn prune(&self) {
        let Ok(mut files) = files(&self.folder) else { return };
        files.sort_by_key(|file| (file.date, file.number));
        let oldest = self.date.checked_sub(MAX_DAYS.days()).unwrap_or(Date::MIN);
        let surplus = files.len().saturating_sub(MAX_FILES);
        for (place, file) in files.iter().enumerate() {
            if place < surplus || file.date <= oldest {
                let _ = fs::remove_file(path(&self.folder, file.date, file.number));
            }
        }
    }
}

impl Write for Rolling {
    /// Takes whole lines, as the log's worker hands them over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.roll_if_due()?;
        let text = String::from_utf8_lossy(line);
        let clean = redact(&text);
        self.file.write_all(clean.as_bytes())?;
        self.written += clean.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

struct Name {
    date: Date,
    number: u32,
}

fn files(folder: &Path) -> io::Result<Vec<Name>> {
    let names = fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| parse(&name)).collect())
}

fn parse(name: &str) -> Option<Name> {
    let (date, number) = name.strip_prefix("visionguard.")?.strip_suffix(".log")?.split_once('.')?;
    Some(Name { date: date.parse().ok()?, number: number.parse().ok()? })
}

fn path(folder: &Path, date: Date, number: u32) -> PathBuf {
    folder.join(format!("visionguard.{date}.{number}.log"))
}

/// By the computer's own day: that is the one a person looks for.
fn date_of(time: Timestamp) -> Date {
    time.to_zoned_datetime(TimeZone::system()).date()
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().append(true).create(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[tokio::test(start_paused = true)]
    async fn a_full_file_is_followed_by_another_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rolling::open(folder.path(), clock()).unwrap();
        log.max_bytes = 400;
        let line = [b' '; 100];

        for _ in 0..4 * 10 {
            log.write_all(&line).unwrap();
        }

        let mut numbers: Vec<u32> =
            files(folder.path()).unwrap().into_iter().map(|file| file.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_day_has_its_file_and_a_week_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let clock = clock();
        let mut log = Rolling::open(folder.path(), clock.clone()).unwrap();

        for _ in 0..10 {
            log.write_all(b"a line\n").unwrap();
            clock.sleep(std::time::Duration::from_secs(24 * 3600));
        }
        log.write_all(b"a line\n").unwrap();

        assert_eq!(files(folder.path()).unwrap().len(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_restart_todays_file_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        Rolling::open(folder.path(), clock()).unwrap().write_all(b"first\n").unwrap();

        Rolling::open(folder.path(), clock()).unwrap().write_all(b"second\n").unwrap();

        let name = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs::read_to_string(name).unwrap(), "first\nsecond\n");
        assert_eq!(files(folder.path()).unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn other_files_in_the_folder_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["notes.txt", "visionguard.log", "visionguard.2020-01-01.x.log"] {
            fs::write(folder.path().join(name), "mine").unwrap();
        }
        fs::write(folder.path().join("visionguard.2020-01-01.0.log"), "old").unwrap();

        let _log = Rolling::open(folder.path(), clock()).unwrap();

        assert!(!folder.path().join("visionguard.2020-01-01.0.log").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    fn clock() -> Arc<TestClock> {
        Arc::new(TestClock::new("2026-11-21T12:00:00Z".parse().unwrap()))
    }
}
