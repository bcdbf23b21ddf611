//! The icons, as pixels for hosts that take them and as files for those that want a name.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use ksni::Icon;

use crate::session_file::exchange;

const SIZE: u32 = 48;

macro_rules! icons {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../../icons/tray/", $name, ".png")).as_slice())),+]
    };
}

/// Each icon by the name that [`super::icon`] gives it.
const ICONS: &[(&str, &[u8])] = icons![
    "protected",
    "protected-unread",
    "catching-up",
    "catching-up-unread",
    "deaf",
    "deaf-unread",
    "offline",
    "offline-unread",
    "signed-out",
    "signed-out-unread",
];

/// The name of an icon in the theme folder: no other program has one of that name.
pub(super) fn themed(name: &str) -> String {
    format!("visionguard-{name}")
}

/// The pixels of an icon, alpha first; none if there is no such icon.
pub(super) fn pixels(name: &str) -> Option<Icon> {
    let (_, file) = ICONS.iter().find(|(of, _)| *of == name)?;
    let mut reader = png::Decoder::new(Cursor::new(*file)).read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut data).ok()?;
    if (info.color_type, info.bit_depth) != (png::ColorType::Rgba, png::BitDepth::Eight) {
        return None;
    }
    for pixel in data.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    Some(Icon { width: info.width.try_into().ok()?, height: info.height.try_into().ok()?, data })
}

/// Writes a private icon theme: the files as a theme has them, and beside each other for hosts that look only there.
pub(super) fn write(folder: &Path) -> io::Result<PathBuf> {
    let sized = folder.join(format!("hicolor/{SIZE}x{SIZE}/apps"));
    fs::create_dir_all(&sized)?;
    for (name, file) in ICONS {
        for folder in [folder, &sized] {
            write_whole(&folder.join(format!("{}.png", themed(name))), file)?;
        }
    }
    Ok(folder.to_owned())
}

/// A host may read it at this very moment: it is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|is| is == bytes) {
        return Ok(());
    }
    let half = path.with_extension(format!("{}.tmp", std::process::id()));
    exchange(&half, path, fs::write(&half, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_can_be_drawn() {
        for (name, _) in ICONS {
            let icon = pixels(name).unwrap();

            assert_eq!((icon.width, icon.height), (48, 48), "{name}");
            assert!(icon.data.chunks_exact(4).any(|pixel| pixel[0] == 255), "{name} is not opaque anywhere");
        }
    }

    #[test]
    fn a_theme_is_written_once_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let icon = folder.path().join("hicolor/48x48/apps/visionguard-deaf.png");
        let whole = fs::read(&icon).unwrap();

        fs::write(&icon, "half").unwrap();
        write(folder.path()).unwrap();

        assert_eq!(fs::read(&icon).unwrap(), whole);
        assert!(folder.path().join("visionguard-deaf.png").is_file());
    }
}
