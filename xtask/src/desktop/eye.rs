//! The display's memory, which Xvfb keeps in a file: a point of it is read in microseconds, and nobody who draws is held up.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Looks at single points of a display.
#[derive(Debug)]
pub struct Eye {
    file: File,
    /// Where the first point is.
    start: u64,
    /// How many bytes a row has.
    stride: u64,
}

impl Eye {
    /// Opens the file, whose head is that of a window dump (`X11/XWDFile.h`).
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let word = |place: u64| -> Result<u32> {
            let mut word = [0; 4];
            file.read_exact_at(&mut word, place * 4)?;
            Ok(u32::from_be_bytes(word))
        };
        ensure!(word(11)? == 32, "the display has no 32 bits a point");
        let start = u64::from(word(0)?) + u64::from(word(19)?) * 12;
        Ok(Self { stride: word(12)?.into(), start, file })
    }

    /// The colour of a point now, as red, green, blue.
    fn at(&self, x: u32, y: u32) -> Result<[u8; 3]> {
        let mut point = [0; 4];
        self.file.read_exact_at(&mut point, self.start + u64::from(y) * self.stride + u64::from(x) * 4)?;
        let [blue, green, red, _] = point;
        Ok([red, green, blue])
    }

    /// Whether a point has this colour now, or one that differs by no more than so much.
    pub fn has(&self, (x, y): (u32, u32), colour: [u8; 3], tolerance: u8) -> Result<bool> {
        let have = self.at(x, y)?;
        Ok(have.iter().zip(colour).all(|(have, want)| have.abs_diff(want) <= tolerance))
    }
}
