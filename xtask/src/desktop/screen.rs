//! What is on the display: pictures of it, its windows, and a hand for the mouse.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::VirtualDesktop;
use crate::project;

/// What a rectangle of the display showed, as red, green, blue.
#[derive(Debug, Clone)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pixels: Vec<u8>,
}

impl Picture {
    /// The colour at a point.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.width as usize + x as usize) * 3;
        match self.pixels.get(start..start + 3) {
            Some(&[red, green, blue]) => [red, green, blue],
            _ => [0, 0, 0],
        }
    }

    /// How many of the points, by a colour's distance of at most `tolerance` per channel, have this colour.
    pub fn count(&self, colour: [u8; 3], tolerance: u8) -> usize {
        self.pixels.chunks_exact(3).filter(|point| near(point, colour, tolerance)).count()
    }

    /// What a window's area of it shows.
    pub fn part(&self, window: &Window) -> Self {
        let columns = clamp(window.x, window.width, self.width);
        let rows = clamp(window.y, window.height, self.height);
        let pixels = rows.clone().flat_map(|y| columns.clone().flat_map(move |x| self.at(x, y))).collect();
        Self { width: columns.end - columns.start, height: rows.end - rows.start, pixels }
    }
}

/// The part of an extent that is on the display.
fn clamp(start: i32, length: u32, limit: u32) -> std::ops::Range<u32> {
    let end = start.saturating_add_unsigned(length).max(0).unsigned_abs().min(limit);
    start.max(0).unsigned_abs().min(end)..end
}

fn near(point: &[u8], colour: [u8; 3], tolerance: u8) -> bool {
    point.iter().zip(colour).all(|(have, want)| have.abs_diff(want) <= tolerance)
}

/// A window and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The X window's number.
    pub id: String,
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

impl VirtualDesktop {
    /// Saves a picture of the whole display.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        project::output(self.command("import").args(["-window", "root"]).arg(path))
            .context("cannot take a picture of the display")?;
        Ok(())
    }

    /// Saves a picture of a part of the display.
    pub fn screenshot_of(&self, window: &Window, path: &Path) -> Result<()> {
        let part = format!("{}x{}+{}+{}", window.width, window.height, window.x.max(0), window.y.max(0));
        project::output(
            self.command("import").args(["-window", "root", "-crop", &part, "+repage"]).arg(path),
        )
        .context("cannot take a picture of the window")?;
        Ok(())
    }

    /// What the whole display shows now.
    pub fn look(&self) -> Result<Picture> {
        let (width, height) = self.size();
        let output = self
            .command("import")
            .args(["-silent", "-window", "root", "-depth", "8", "rgb:-"])
            .output()
            .context("cannot start import")?;
        if output.stdout.len() != width as usize * height as usize * 3 {
            bail!("cannot look at the display: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(Picture { width, height, pixels: output.stdout })
    }

    /// The first window that matches and is large enough for a person to see.
    pub fn window(&self, pattern: &str) -> Result<Option<Window>> {
        Ok(self.windows(pattern)?.into_iter().find(|window| window.width > 100))
    }

    /// The mapped windows whose title or class matches a regular expression.
    pub fn windows(&self, pattern: &str) -> Result<Vec<Window>> {
        let by_name = self.search("--name", pattern)?;
        let by_class = self.search("--class", pattern)?;
        let mut windows: Vec<Window> = Vec::new();
        for id in by_name.lines().chain(by_class.lines()) {
            if windows.iter().any(|window| window.id == id) {
                continue;
            }
            // It may have gone between the two questions.
            let Ok(facts) = project::output(self.command("xwininfo").args(["-id", id])) else { continue };
            let fact = |name: &str| {
                facts.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().parse().ok())
            };
            let corner = (fact("Absolute upper-left X:"), fact("Absolute upper-left Y:"));
            let size = (fact("Width:"), fact("Height:"));
            if let ((Some(x), Some(y)), (Some(width), Some(height))) = (corner, size) {
                windows.push(Window {
                    id: id.to_owned(),
                    x,
                    y,
                    width: i32::unsigned_abs(width),
                    height: i32::unsigned_abs(height),
                });
            }
        }
        Ok(windows)
    }

    /// The numbers of the mapped windows that match, a line each.
    fn search(&self, by: &str, pattern: &str) -> Result<String> {
        const ATTEMPTS: usize = 10;
        let mut complaint = String::new();
        for _ in 0..ATTEMPTS {
            let search = self.command("xdotool").args(["search", "--onlyvisible", by, pattern]).output()?;
            // A search that finds nothing fails without a word. One of whose windows goes meanwhile ends in the middle.
            if search.status.success() || search.stderr.is_empty() {
                return Ok(String::from_utf8_lossy(&search.stdout).into_owned());
            }
            complaint = String::from_utf8_lossy(&search.stderr).into_owned();
        }
        bail!("cannot search for windows: {}", complaint.trim())
    }

    /// Moves a window's upper left corner.
    pub fn place(&self, window: &Window, x: i32, y: i32) -> Result<()> {
        self.xdotool(&["windowmove", "--sync", &window.id, &x.to_string(), &y.to_string()])?;
        Ok(())
    }

    /// Gives a window another size.
    pub fn resize(&self, window: &Window, width: u32, height: u32) -> Result<()> {
        self.xdotool(&["windowsize", &window.id, &width.to_string(), &height.to_string()])?;
        Ok(())
    }

    /// Closes a window, as a person would in the task bar. A key for it can go to the window instead: the first one that a
    /// program presses has the window manager bind its keys anew.
    pub fn close(&self, window: &Window) -> Result<()> {
        project::output(self.command("wmctrl").args(["-i", "-c", &window.id]))?;
        Ok(())
    }

    /// Whether a window is in the task bar only.
    pub fn is_minimised(&self, window: &Window) -> Result<bool> {
        let state = project::output(self.command("xprop").args(["-id", &window.id, "WM_STATE"]))?;
        Ok(state.contains("Iconic"))
    }

    /// Clicks with the left mouse button, as a person would: moves there first.
    pub fn click(&self, x: i32, y: i32) -> Result<()> {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"])?;
        Ok(())
    }

    /// Runs xdotool and returns what it prints.
    pub fn xdotool(&self, arguments: &[&str]) -> Result<String> {
        project::output(self.command("xdotool").args(arguments))
    }
}
