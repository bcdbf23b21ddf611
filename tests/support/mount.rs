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

    /// This folder of another disk, as a share that is mounted: it can be taken away and brought back.
    pub fn share(folder: &Path) -> Result<Mount, String> {
        let share = Mount { at: tempfile::tempdir().unwrap() };
        share.bring(folder)?;
        Ok(share)
    }

    /// Takes it away: what is left is an empty folder.
    pub fn take_away(&self) -> Result<(), String> {
        run(Command::new("umount").arg(self.at.path())).map(drop)
    }

    /// Mounts this folder over what is there.
    pub fn bring(&self, folder: &Path) -> Result<(), String> {
        run(Command::new("mount").arg("--bind").arg(folder).arg(self.at.path())).map(drop)
    }

    /// One that shares no memory between programs, as many network disks; what is written there is in a folder beside it.
    pub fn without_shared_memory(folder: &Path) -> Result<Mount, String> {
        if !Path::new("/dev/fuse").exists() {
            return Err("/dev/fuse is needed".to_owned());
        }
        let at = tempfile::tempdir().unwrap();
        run(Command::new("mergerfs").args(["-o", "cache.files=off"]).arg(folder).arg(at.path()))?;
        let mount = Mount { at };
        let file = mount.path().join("shared");
        std::fs::write(&file, [0; 4096]).unwrap();
        // Nobody but the system can tell; what it says of a map of this file is asked of a program that makes one.
        let map = "import mmap,sys; f=open(sys.argv[1],'r+b'); mmap.mmap(f.fileno(),4096,mmap.MAP_SHARED)";
        let mapped = run(Command::new("python3").args(["-c", map]).arg(&file));
        std::fs::remove_file(&file).unwrap();
        match mapped {
            Ok(_) => Err("mergerfs shares memory here".to_owned()),
            Err(why) if why.contains("ENODEV") || why.contains("No such device") => Ok(mount),
            Err(why) => Err(why),
        }
    }

    /// A new disk of so many bytes whose contents are this file: what is not synced is not in it.
    pub fn new_disk(file: &Path, bytes: u64) -> Result<Mount, String> {
        std::fs::File::create(file).unwrap().set_len(bytes).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(file))?;
        Mount::disk(file)
    }

    /// A disk whose contents are this file, repaired as after a power failure.
    pub fn disk(file: &Path) -> Result<Mount, String> {
        let disk = Mount { at: tempfile::tempdir().unwrap() };
        disk.mount(file)?;
        Ok(disk)
    }

    /// Tells the kernel that this disk has an error, upon which it may not be written any more.
    pub fn fail(&self) -> Result<(), String> {
        let device = run(Command::new("findmnt").args(["-no", "SOURCE"]).arg(self.at.path()))?;
        let name = device.trim().trim_start_matches("/dev/");
        let error = format!("/sys/fs/ext4/{name}/trigger_fs_error");
        std::fs::write(&error, "1").map_err(|why| format!("{error}: {why}"))
    }

    /// Puts another disk in its place, also while somebody has a file open there: its contents are this file.
    pub fn replace(&self, file: &Path) -> Result<(), String> {
        run(Command::new("umount").arg("-l").arg(self.at.path()))?;
        self.mount(file)
    }

    fn mount(&self, file: &Path) -> Result<(), String> {
        // The kernel writes by itself only after a minute.
        let options = "loop,commit=60,errors=remount-ro";
        run(Command::new("mount").args(["-o", options]).arg(file).arg(self.at.path())).map(drop)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// Lets it be written, or not.
    pub fn set_writable(&self, writable: bool) -> Result<(), String> {
        let options = if writable { "remount,rw" } else { "remount,ro" };
        run(Command::new("mount").args(["-o", options]).arg(self.at.path())).map(drop)
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

/// What it said.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
