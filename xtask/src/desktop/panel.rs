//! One panel along the bottom, with a list of windows, the tray and a clock.

use std::fs;
use std::path::Path;

use anyhow::Result;

const XFCE4_PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=8;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="icon-size" type="uint" value="20"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
        <value type="int" value="4"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
    <property name="plugin-4" type="string" value="clock"/>
  </property>
</channel>
"#;

/// Writes the panel's settings before it starts, so that it neither asks nor puts up what it would by default.
pub(super) fn configure(config: &Path) -> Result<()> {
    let folder = config.join("xfce4/xfconf/xfce-perchannel-xml");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("xfce4-panel.xml"), XFCE4_PANEL)?;
    Ok(())
}
