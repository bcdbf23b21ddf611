//! The session bus: as everywhere, except that what a desktop goes without is not started on demand either.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Names whose owners are parts of the desktop: they are there from the start or not at all.
const PARTS: [&str; 4] =
    ["org.freedesktop.Notifications", "org.freedesktop.secrets", "org.gnome.keyring", "org.kde.kwalletd5"];

const SERVICES: &str = "/usr/share/dbus-1/services";

/// Writes the bus's configuration and returns its path.
pub(super) fn configure(dir: &Path) -> Result<PathBuf> {
    let services = dir.join("services");
    fs::create_dir(&services)?;
    for entry in fs::read_dir(SERVICES).with_context(|| format!("cannot read {SERVICES}"))? {
        let entry = entry?;
        let service = fs::read_to_string(entry.path())?;
        let name = service.lines().find_map(|line| line.strip_prefix("Name="));
        if name.is_some_and(|name| !PARTS.contains(&name.trim())) {
            fs::write(services.join(entry.file_name()), service)?;
        }
    }

    let file = dir.join("bus.conf");
    let (socket, services) = (dir.join("run/bus"), services.display());
    fs::write(
        &file,
        format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
            socket = socket.display(),
        ),
    )?;
    Ok(file)
}
