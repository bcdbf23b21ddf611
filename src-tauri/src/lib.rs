//! The shell: Tauri and nothing else.
