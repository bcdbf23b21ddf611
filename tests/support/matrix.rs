//! The fault matrix's book-keeping: each test of a fault says which row it proves, how the fault was injected, how
//! often, what was measured and which invariants held.
//!
//! What is said goes to a file of its own under `target/reliability/`, from which `cargo xtask test` makes its table. A
//! test that ends without [`Fault::held`] is recorded as failed, however it ended.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::overdue::Watchdog;

/// A test of one row while it runs.
#[derive(Debug)]
pub struct Fault {
    number: u8,
    test: String,
    injected: String,
    started: Instant,
    said: Mutex<Said>,
    _watchdog: Watchdog,
}

#[derive(Debug)]
struct Said {
    times: u32,
    measured: Vec<(String, String)>,
    spreads: Vec<Value>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Failed,
    Held(Vec<String>),
    NotPossible(String),
    ToldElsewhere,
}

/// Begins a test of the row `number`; `injected` says how the fault is made, in a few words.
///
/// The test's name is that of the thread, which is how Rust's own harness runs a test.
pub fn row(number: u8, injected: &str) -> Fault {
    let test = thread::current().name().unwrap_or("unnamed").to_owned();
    let said = Said { times: 1, measured: Vec::new(), spreads: Vec::new(), outcome: Outcome::Failed };
    Fault {
        number,
        injected: injected.to_owned(),
        started: Instant::now(),
        said: Mutex::new(said),
        _watchdog: Watchdog::over(&test),
        test,
    }
}

impl Fault {
    /// How often the fault was injected; once, where nothing is said.
    pub fn times(&self, times: u32) {
        self.said().times = times;
    }

    /// A figure for the table.
    pub fn measured(&self, what: &str, figure: impl Into<String>) {
        self.said().measured.push((what.to_owned(), figure.into()));
    }

    /// A distribution of times: how many, median, 95th percentile, longest.
    pub fn spread(&self, what: &str, times: &[Duration]) {
        let mut sorted: Vec<u128> = times.iter().map(Duration::as_millis).collect();
        sorted.sort_unstable();
        let at =
            |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        let spread = json!({
            "what": what, "count": sorted.len(), "median_ms": at(50), "p95_ms": at(95), "longest_ms": at(100),
        });
        self.said().spreads.push(spread);
    }

    /// The test has reached its end and these invariants held.
    pub fn held(self, invariants: &[&str]) {
        self.said().outcome = Outcome::Held(invariants.iter().map(|&name| name.to_owned()).collect());
    }

    /// This machine cannot inject the fault, and why.
    pub fn not_possible(self, why: &str) {
        self.said().outcome = Outcome::NotPossible(why.to_owned());
    }

    /// Another process has run this test and told how it went.
    pub fn told_elsewhere(self) {
        self.said().outcome = Outcome::ToldElsewhere;
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn to_json(&self) -> Value {
        let said = self.said();
        let (result, invariants, why) = match &said.outcome {
            Outcome::Failed | Outcome::ToldElsewhere => ("failed", Vec::new(), None),
            Outcome::Held(invariants) => ("held", invariants.clone(), None),
            Outcome::NotPossible(why) => ("not possible", Vec::new(), Some(why)),
        };
        json!({
            "row": self.number, "test": self.test, "injected": self.injected, "times": said.times,
            "invariants": invariants, "measured": said.measured, "spreads": said.spreads, "result": result,
            "why": why, "at": Timestamp::now().to_string(), "took_ms": self.started.elapsed().as_millis() as u64,
        })
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if matches!(self.said().outcome, Outcome::ToldElsewhere) {
            return;
        }
        write(&results(), &self.test, &self.to_json());
    }
}

/// Where the results go: below cargo's own target folder.
fn results() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |target| root.join(target));
    target.join("reliability")
}

/// Fails silently: it also runs while a failing test unwinds.
fn write(folder: &Path, test: &str, result: &Value) {
    let file = folder.join(format!("{}.json", test.replace("::", ".")));
    let _ = std::fs::create_dir_all(folder);
    let _ = std::fs::write(file, format!("{result:#}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_ends_without_a_word_has_failed() {
        let fault = row(1, "nothing");

        assert_eq!(fault.to_json()["result"], "failed");
        std::mem::forget(fault);
    }

    #[test]
    fn a_result_says_all_that_the_table_needs() {
        let fault = row(7, "nothing");
        fault.times(20);
        fault.measured("peak", "3 a second");
        fault.spread("time to notice", &[3, 1, 2].map(Duration::from_millis));
        fault.said().outcome = Outcome::Held(vec!["I1".to_owned()]);

        let result = fault.to_json();

        assert_eq!(
            (&result["row"], &result["times"], &result["result"]),
            (&json!(7), &json!(20), &json!("held"))
        );
        assert_eq!(result["measured"], json!([["peak", "3 a second"]]));
        assert_eq!(
            result["spreads"][0],
            json!({"what": "time to notice", "count": 3, "median_ms": 2, "p95_ms": 3, "longest_ms": 3})
        );
        std::mem::forget(fault);
    }

    #[test]
    fn the_test_is_named_as_the_harness_names_it() {
        let fault = row(1, "nothing");

        assert!(fault.test.ends_with("the_test_is_named_as_the_harness_names_it"), "{}", fault.test);
        std::mem::forget(fault);
    }
}
