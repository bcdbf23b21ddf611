//! The sounds of alerts, as loud as the settings have it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use visionguard_client::notifier;
use visionguard_client::view::Problem;
use visionguard_client::words;
use visionguard_sound::{Player, Sound, Unheard, Volume};

/// How long whoever tries the sound waits for it.
const TRIED_WITHIN: Duration = Duration::from_secs(10);

/// The computer's sound output, and how loud it is used.
#[derive(Debug)]
pub(crate) struct Sounds {
    player: Option<Player>,
    percent: AtomicU32,
}

impl Sounds {
    pub(crate) fn start(percent: u32) -> Arc<Self> {
        let player = Player::start()
            .inspect_err(|error| tracing::warn!(%error, "alerts make no sound of their own"))
            .ok();
        Arc::new(Self { player, percent: AtomicU32::new(percent) })
    }

    pub(crate) fn set_volume(&self, percent: u32) {
        self.percent.store(percent, Ordering::Relaxed);
    }

    /// Plays the sound of an alert for somebody who wants to hear how loud it is; returns once it was played.
    pub(crate) async fn try_out(&self, percent: u32) -> Result<(), Problem> {
        let Some(player) = &self.player else { return Err(unheard(&Unheard::Busy)) };
        let (tell, told) = oneshot::channel();
        player.play_and_tell(Sound::Alert, Volume::percent(percent), move |outcome| drop(tell.send(outcome)));
        match timeout(TRIED_WITHIN, told).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(why))) => Err(unheard(&why)),
            Ok(Err(_)) | Err(_) => Err(unheard(&Unheard::Busy)),
        }
    }
}

impl notifier::Sounds for Sounds {
    fn can_play(&self) -> bool {
        self.player.as_ref().is_some_and(Player::can_play)
    }

    fn play(&self, critical: bool) {
        let sound = if critical { Sound::Urgent } else { Sound::Alert };
        if let Some(player) = &self.player {
            player.play(sound, Volume::percent(self.percent.load(Ordering::Relaxed)));
        }
    }
}

fn unheard(why: &Unheard) -> Problem {
    let sentence = match why {
        Unheard::Device(why) => words::text("problem.no_sound", &[("why", why)]),
        Unheard::Busy => words::text("problem.sound_busy", &[]),
    };
    Problem { code: "no_sound".to_owned(), sentence, field: None }
}
