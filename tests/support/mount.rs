//! Disks of a test's own: small, read-only, or such that lose what was not synced. They need an administrator.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A file system that is there as long as this value.
#[derive(Debug)]
pub struct Mount {
    at: TempDir,
}

impl Mount {
    /// An empty one in memory that holds so many bytes; or why it cannot be had.
    pub fn small(bytes: u64) -> Result<Mount, String> {
        let at = tempfile::tempdir().unwrap();
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "none"])
            .arg(at.path()))?;
        Ok(Mount { at })
    }

    /// A new disk of so many bytes whose contents are this file: what is not synced is not in it.
    pub fn new_disk(file: &Path, bytes: u64) -> Result<Mount, String> {
        std::fs::File::create(file).unwrap().set_len(bytes).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(file))?;
        Mount::disk(file)
    }

    /// A disk whose contents are this file, repaired as after a power failure.
    pub fn disk(file: &Path) -> Result<Mount, String> {
        let at = tempfile::tempdir().unwrap();
        // The kernel writes by itself only after a minute.
        run(Command::new("mount").args(["-o", "loop,commit=60"]).arg(file).arg(at.path()))?;
        Ok(Mount { at })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// Lets it be written, or not.
    pub fn set_writable(&self, writable: bool) -> Result<(), String> {
        let options = if writable { "remount,rw" } else { "remount,ro" };
        run(Command::new("mount").args(["-o", options]).arg(self.at.path()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Also while somebody still has a file open there.
        let _ = run(Command::new("umount").arg("-l").arg(self.at.path()));
    }
}

/// Files that take no writes as long as this value is there, also from who has them open. It takes an administrator.
#[derive(Debug)]
pub struct Unwritable {
    files: Vec<PathBuf>,
}

impl Unwritable {
    /// These; or why it cannot be done.
    pub fn make(files: &[PathBuf]) -> Result<Unwritable, String> {
        let made = Unwritable { files: files.to_vec() };
        run(Command::new("chattr").arg("+i").args(&made.files))?;
        Ok(made)
    }
}

impl Drop for Unwritable {
    fn drop(&mut self) {
        let _ = run(Command::new("chattr").arg("-i").args(&self.files));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", said.trim())) }
}
