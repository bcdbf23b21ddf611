//! The spare: a window's process that is started hidden after the person closed the window, so that the next opening need
//! not wait for WebKit and the page. It is no window until it is wanted: what its page asks is not answered before. One that
//! nobody wanted for a while is ended.

use std::fs;
use std::time::{Duration, Instant};

use visionguard_client::pipe::FromWindow;

/// How long after the close: what the person does next comes first.
const AFTER: Duration = Duration::from_secs(5);
/// How long it waits to be wanted.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// The longest that it waits, whatever is asked for.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Says another time, in seconds; none at all is no spare.
const VARIABLE: &str = "VISIONGUARD_SPARE_SECONDS";
/// So much memory must be left for a computer to have one, in KiB.
const ENOUGH: u64 = 1024 * 1024;

/// When there is to be a spare.
#[derive(Debug)]
pub(super) struct Spares {
    kept: Duration,
    due: Option<Instant>,
}

impl Spares {
    /// As the environment has it. None but on Linux: on Windows what was started earlier may not come to the front, and on
    /// macOS it would stand in the Dock.
    pub(super) fn of_the_environment() -> Self {
        let said = std::env::var(VARIABLE).ok();
        let kept = if cfg!(target_os = "linux") { kept(said.as_deref()) } else { Duration::ZERO };
        Self { kept, due: None }
    }

    /// The person closed the window.
    pub(super) fn plan(&mut self, now: Instant) {
        self.due = (!self.kept.is_zero()).then_some(now + AFTER);
    }

    /// There is something better: the window itself.
    pub(super) fn forget(&mut self) {
        self.due = None;
    }

    /// When the next one is to be started.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It is to be started now, unless the computer has little memory left.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Spare> {
        self.due = None;
        let left = available(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
        if left.is_some_and(|left| left < ENOUGH) {
            tracing::debug!(left, "too little memory is left for a spare window");
            return None;
        }
        Some(Spare { until: now + self.kept, asked: Vec::new() })
    }
}

/// What makes a window's process a spare.
#[derive(Debug)]
pub(super) struct Spare {
    /// When it is ended.
    pub(super) until: Instant,
    /// What its page asks, to be answered once it is wanted.
    asked: Vec<FromWindow>,
}

impl Spare {
    pub(super) fn hear(&mut self, said: FromWindow) {
        match said {
            FromWindow::Ask { .. } | FromWindow::Picture { .. } => {
                tracing::debug!("the spare window's page is ready");
                self.asked.push(said);
            }
            FromWindow::PageGone => self.asked.clear(),
            // Nobody sees it; what is wrong with it shows in its end.
            FromWindow::Close
            | FromWindow::Place(_)
            | FromWindow::Shown
            | FromWindow::Stance(_)
            | FromWindow::CannotShow(_) => {}
        }
    }

    /// Its page is there and waits for answers.
    pub(super) fn is_ready(&self) -> bool {
        !self.asked.is_empty()
    }

    /// It is a window from now on; what is to be answered.
    pub(super) fn asked(self) -> Vec<FromWindow> {
        self.asked
    }
}

fn kept(said: Option<&str>) -> Duration {
    said.and_then(|said| said.trim().parse().ok()).map_or(KEPT, Duration::from_secs).min(LONGEST)
}

/// The memory that programs could still get, in KiB, as `/proc/meminfo` has it.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spare_comes_a_while_after_a_close_and_once() {
        let (mut spares, now) = (Spares { kept: KEPT, due: None }, Instant::now());
        assert_eq!(spares.due(), None, "no window was there yet");

        spares.plan(now);

        assert_eq!(spares.due(), Some(now + AFTER));
        let until = spares.begin(now + AFTER).map(|spare| spare.until);
        assert!(until.is_none_or(|until| until == now + AFTER + KEPT), "{until:?}");
        assert_eq!(spares.due(), None);
    }

    #[test]
    fn a_window_that_is_wanted_before_leaves_no_plan() {
        let mut spares = Spares { kept: KEPT, due: None };
        spares.plan(Instant::now());

        spares.forget();

        assert_eq!(spares.due(), None);
    }

    #[test]
    fn the_time_can_be_said_and_none_is_no_spare() {
        assert_eq!(kept(None), KEPT);
        assert_eq!(kept(Some("3")), Duration::from_secs(3));
        assert_eq!(kept(Some("for ever")), KEPT);
        let mut spares = Spares { kept: kept(Some("0")), due: None };

        spares.plan(Instant::now());

        assert_eq!(spares.due(), None);
    }

    #[test]
    fn what_a_page_asked_that_died_is_not_answered() {
        let ask = |id| FromWindow::Ask { id, json: b"{}".to_vec().into() };
        let mut spare = Spare { until: Instant::now(), asked: Vec::new() };

        for said in [ask(1), FromWindow::PageGone, ask(2), FromWindow::Close] {
            spare.hear(said);
        }

        assert_eq!(spare.asked(), [ask(2)]);
    }

    #[test]
    fn the_memory_that_is_left_is_read() {
        assert_eq!(available("MemTotal:  8000 kB\nMemAvailable:    1234 kB\nCached: 5 kB\n"), Some(1234));
        assert_eq!(available("MemTotal:  8000 kB\n"), None);
        assert_eq!(available(""), None);
    }
}
