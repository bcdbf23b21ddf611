//! Runs Tauri's build step inside `OUT_DIR`, so that the schemas it writes stay out of the source tree.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use tauri_build::{AppManifest, Attributes};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workshop = PathBuf::from(env::var("OUT_DIR")?).join("tauri");
    fs::create_dir_all(&workshop)?;
    // It reads the manifest of the directory it runs in.
    fs::copy(root.join("Cargo.toml"), workshop.join("Cargo.toml"))?;
    env::set_current_dir(&workshop)?;

    let pattern = |path: &str| -> &'static str { root.join(path).display().to_string().leak() };
    let attributes = Attributes::new()
        .config_path(root.join("tauri.conf.json"))
        .capabilities_path_pattern(pattern("src-tauri/capabilities/**/*"))
        .app_manifest(
            AppManifest::new().permissions_path_pattern(pattern("src-tauri/permissions/**/*.toml")),
        );
    let attributes = attributes.windows_attributes(
        tauri_build::WindowsAttributes::new().window_icon_path(root.join("icons/icon.ico")),
    );
    tauri_build::try_build(attributes)?;

    for path in ["Cargo.toml", "tauri.conf.json", "src-tauri/capabilities", "src-tauri/permissions", "icons"]
    {
        println!("cargo:rerun-if-changed={}", root.join(path).display());
    }
    Ok(())
}
