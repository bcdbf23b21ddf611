#!/usr/bin/env bash
# zbus on async-io, with nothing to do after it connected to the session bus.
# Expected: it sleeps; the crate `blocking`, by which it reads files, says that idle threads end after a while, and up to 1.6.2 they do.
# Seen: with blocking 1.7.0 the thread stays as long as the program, and wakes twice a second.
set -euo pipefail
ZBUS=5.19.0 OLD=1.6.2 NEW=1.7.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<MANIFEST
[package]
name = "idle"
version = "0.0.0"
edition = "2024"

[dependencies]
zbus = "=$ZBUS"
MANIFEST
cat > src/main.rs <<'PROGRAM'
use std::fs::{read_dir, read_to_string};
use std::thread::sleep;
use std::time::Duration;

/// How often threads of that crate went to sleep so far, and how many there are.
fn sleeps() -> (usize, u64) {
    let (mut threads, mut times) = (0, 0);
    for task in read_dir("/proc/self/task").unwrap().flatten() {
        if !read_to_string(task.path().join("comm")).unwrap_or_default().starts_with("blocking-") {
            continue;
        }
        let status = read_to_string(task.path().join("status")).unwrap_or_default();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        threads += 1;
        times += count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0);
    }
    (threads, times)
}

fn main() {
    let bus = zbus::blocking::Connection::session().unwrap();
    sleep(Duration::from_secs(3));
    let (_, before) = sleeps();
    sleep(Duration::from_secs(10));
    let (threads, after) = sleeps();
    println!("{threads} idle threads, {} wake-ups in 10 s", after.saturating_sub(before));
    drop(bus);
}
PROGRAM
seen() {
    cargo update --quiet --package blocking --precise "$1"
    cargo build --quiet --release
    dbus-run-session -- target/release/idle 2> /dev/null
}
old=$(seen "$OLD")
new=$(seen "$NEW")
echo "zbus $ZBUS, blocking $OLD: $old"
echo "zbus $ZBUS, blocking $NEW: $new"
[ "$old" = '0 idle threads, 0 wake-ups in 10 s' ]
[[ $new =~ ^[1-9][0-9]*\ idle\ threads,\ (1[5-9]|[2-9][0-9])\ wake-ups ]]
