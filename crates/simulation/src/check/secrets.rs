//! No secret in any file.

use std::fs;
use std::io;
use std::path::Path;

use crate::server::CANARY;
use crate::world::World;

impl World {
    /// No file that the client left in this directory holds a token or a password.
    pub fn files_hold_no_secret(&mut self, directory: &Path) {
        match with_secret(directory) {
            Ok(None) => {}
            Ok(Some(name)) => self.fail("I9", format!("a secret is in {name}")),
            Err(error) => self.fail("I11", format!("cannot look for secrets: {error}")),
        }
    }
}

fn with_secret(directory: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let bytes = fs::read(entry.path())?;
        let found = bytes
            .iter()
            .enumerate()
            .any(|(at, byte)| *byte == CANARY.as_bytes()[0] && bytes[at..].starts_with(CANARY.as_bytes()));
        if found {
            return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}
