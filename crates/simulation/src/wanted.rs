//! What the person sets, and that it is so from then on.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use visionguard_client::controller::Client;
use visionguard_client::settings::Settings;
use visionguard_client::view::SettingsView;

use crate::plan::Bug;
use crate::world::{Shared, World, lock};

/// An alert that was stored may be shown so much later: its popup was put off, or the service failed.
const SHOWN_WITHIN: Duration = Duration::from_secs(400);

/// A change of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Whether anything pops up.
    Notifications(bool),
    /// Whether it sounds.
    Sound(bool),
    /// How many days pictures are kept.
    KeepDays(u32),
    /// The alert path is tested every day, for the first time in so many minutes.
    DrillIn(u8),
    /// A name for this camera.
    Name(u8),
}

/// What the person set.
#[derive(Debug)]
pub struct Wanted {
    /// What was accepted.
    now: SettingsView,
    /// What may have been.
    next: Option<SettingsView>,
    silent_since: Option<Duration>,
    /// When nothing was to pop up.
    silences: Vec<(Duration, Duration)>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        let now = Settings::default().view;
        Wanted { now, next: None, silent_since: None, silences: Vec::new() }
    }
}

impl Wanted {
    /// A change is under way.
    pub fn is_changing(&self) -> bool {
        self.next.is_some()
    }

    fn becomes(&mut self, view: SettingsView, now: Duration) {
        match self.silent_since {
            None if !view.notifications => self.silent_since = Some(now),
            Some(since) if view.notifications => {
                self.silent_since = None;
                self.silences.push((since, now));
            }
            None | Some(_) => {}
        }
        self.now = view;
    }
}

impl World {
    /// A client starts with these settings: those that were accepted, or the last that were asked for.
    pub fn settings_are_read(&mut self, view: &SettingsView, complaints: usize) {
        let next = self.person.wanted.next.take();
        if complaints > 0 || (*view != self.person.wanted.now && Some(view) != next.as_ref()) {
            self.fail(
                "settings",
                format!("{view:?} is what the client starts with ({complaints} complaints)"),
            );
        }
        let now = self.now;
        self.person.wanted.becomes(view.clone(), now);
    }

    /// Something pops up: it may only where that is wanted.
    pub fn is_wanted(&mut self, id: &str) {
        if let Some(since) = self.person.wanted.silent_since
            && !self.person.wanted.is_changing()
        {
            self.fail("settings", format!("{id} pops up, and nothing should since {since:?}"));
        }
    }

    /// Whether nothing was to pop up when this would have.
    pub fn was_silent_about(&self, number: u64) -> bool {
        // Of one that was stored in the moments before a kill nobody was told: it was some time after it was written, or sent.
        let recorded = self.checks.recorded.get(&number).copied();
        let written = self.checks.written.get(&number).or_else(|| self.checks.sent.get(&number)).copied();
        let Some(from_then) = recorded.or(written) else { return false };
        let until = recorded.map_or(self.now, |recorded| recorded + SHOWN_WITHIN);
        let wanted = &self.person.wanted;
        let lasting = wanted.silent_since.map(|since| (since, self.now));
        let mut silences = wanted.silences.iter().copied().chain(lasting);
        silences.any(|(from, to)| from <= until && from_then <= to)
    }

    fn with(&self, setting: Setting) -> SettingsView {
        let mut view = self.person.wanted.now.clone();
        match setting {
            Setting::Notifications(on) => view.notifications = on,
            Setting::Sound(on) => view.sound = on,
            Setting::KeepDays(days) => view.keep_days = days,
            Setting::DrillIn(minutes) => {
                let minutes = SignedDuration::from_mins(i64::from(minutes));
                let at = self.wall().checked_add(minutes).unwrap_or_default();
                view.drill_at = Some(at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M").to_string());
            }
            Setting::Name(camera) => {
                view.camera_names.insert(format!("camera {camera}"), format!("Aisle {camera}"));
            }
        }
        view
    }
}

/// Changes a setting; from then on it is so.
pub async fn change(shared: &Shared, client: &Client, setting: Setting, life: u32) {
    let (view, pretends) = {
        let mut world = lock(shared);
        let view = world.with(setting);
        world.person.wanted.next = Some(view.clone());
        (view, world.plan.bug == Some(Bug::ChangesNothing))
    };
    let answer = match pretends {
        true => Ok(view.clone()),
        false => client.change_settings(view.clone()).await,
    };
    let mut world = lock(shared);
    world.look_at_the_clock();
    if world.life != life {
        return;
    }
    world.person.wanted.next = None;
    match answer {
        Ok(accepted) if accepted == view => {
            let now = world.now;
            world.line("person: the setting is changed");
            world.person.wanted.becomes(accepted, now);
        }
        Ok(accepted) => world.fail("settings", format!("{accepted:?} was accepted for {view:?}")),
        Err(problem) => world.fail("settings", format!("{setting:?} was refused: {problem:?}")),
    }
}
