//! The computer's usual sound output, open for as long as one sound takes.

use std::io::Cursor;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rodio::buffer::SamplesBuffer;
use rodio::cpal::ErrorKind;
use rodio::source::EmptyCallback;
use rodio::{ChannelCount, Decoder, DeviceSinkBuilder, MixerDeviceSink, SampleRate, Source};

use crate::state::PATIENCE;
use crate::{Sound, Unheard, Volume};

/// Silence after a sound, in which what the device has taken but not played yet is played.
const REST: Duration = Duration::from_millis(250);

/// Whether it can be opened.
pub(crate) fn look() -> Result<(), Unheard> {
    let (happened, _) = channel();
    open(happened).map(drop)
}

/// Plays to the end; fails when the device does, or does not go on.
pub(crate) fn play(sound: Sound, volume: Volume) -> Result<(), Unheard> {
    let decoded = Decoder::new_wav(Cursor::new(sound.wav())).map_err(|error| broken(&error))?;
    let (channels, rate) = (decoded.channels(), decoded.sample_rate());
    let rest = rest(channels, rate);
    let (happened, events) = channel();
    let output = open(happened.clone())?;
    let player = rodio::Player::connect_new(output.mixer());
    player.set_volume(volume.factor());
    player.append(decoded);
    player.append(SamplesBuffer::new(channels, rate, rest));
    player.append(EmptyCallback::new(Box::new(move || {
        let _ = happened.send(Happened::Over);
    })));
    loop {
        match events.recv_timeout(PATIENCE) {
            Ok(Happened::Over) => return Ok(()),
            Ok(Happened::Failed(error)) if goes_on(error.kind()) => {}
            Ok(Happened::Failed(error)) => return Err(broken(&error)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(Unheard::Busy),
        }
    }
}

/// What happens to a sound that is played.
enum Happened {
    Over,
    Failed(rodio::cpal::Error),
}

fn open(happened: Sender<Happened>) -> Result<MixerDeviceSink, Unheard> {
    let opened = DeviceSinkBuilder::from_default_device().and_then(|device| {
        let device = device.with_error_callback(move |error| {
            let _ = happened.send(Happened::Failed(error));
        });
        device.open_sink_or_fallback()
    });
    let mut output = opened.map_err(|error| broken(&error))?;
    output.log_on_drop(false);
    Ok(output)
}

/// What is told of a device that plays on.
fn goes_on(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied)
}

fn rest(channels: ChannelCount, rate: SampleRate) -> Vec<f32> {
    let frames = REST.as_millis() as usize * rate.get() as usize / 1_000;
    vec![0.0; frames * usize::from(channels.get())]
}

/// An error with its causes.
fn broken(error: &dyn std::error::Error) -> Unheard {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    Unheard::Device(words)
}
