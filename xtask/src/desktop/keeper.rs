//! Sees to it that nothing outlives its desktop.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// A small process that waits for its input to close, which happens when this value is dropped and also when the whole
/// program dies in any way, and then ends every process of the desktop: those whose runtime directory is the
/// desktop's own.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
}

const SCRIPT: &str = r#"
cat > /dev/null
inhabitants() {
    grep -lzxF "XDG_RUNTIME_DIR=$1/run" /proc/[0-9]*/environ 2> /dev/null | cut -d / -f 3
}
for signal in TERM TERM TERM TERM TERM TERM TERM TERM TERM TERM KILL KILL; do
    found=$(inhabitants "$1")
    [ -n "$found" ] || break
    kill -s "$signal" $found 2> /dev/null
    sleep 0.1
done
rm -rf "$1"
"#;

impl Keeper {
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let process = Command::new("sh")
            .args(["-c", SCRIPT, "visionguard-desktop-keeper"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the program; this must live a little longer.
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        Ok(Self { process })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Nothing can be done about a keeper that failed.
        let _ = self.process.wait();
    }
}
