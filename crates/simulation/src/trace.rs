//! What happened, line by line: its end is printed with a failure, its hash proves that a run was the same again.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

/// How many lines are kept for a failure.
const KEPT: usize = 4_000;

/// The lines of one run.
#[derive(Debug)]
pub struct Trace {
    lines: VecDeque<String>,
    hash: u64,
    count: u64,
    print: bool,
}

impl Trace {
    /// Starts empty; `print` writes every line to the standard error as well.
    pub fn new(print: bool) -> Trace {
        Trace { lines: VecDeque::new(), hash: 0xcbf2_9ce4_8422_2325, count: 0, print }
    }

    /// Notes a line.
    pub fn line(&mut self, at: Duration, text: &str) {
        let mut line = String::with_capacity(text.len() + 16);
        let _ = write!(line, "{:>9}.{:03} {text}", at.as_secs(), at.subsec_millis());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.count += 1;
        if self.print {
            eprintln!("{line}");
        }
        if self.lines.len() >= KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// FNV-1a over all lines so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last lines.
    pub fn last(&self, count: usize) -> Vec<String> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count)).cloned().collect()
    }
}
