//! Sounds through the real ALSA, which is configured to write what it is given into a file.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use visionguard_sound::{Player, Sound, Unheard, Volume};

/// Set in the process that plays: ALSA reads its configuration once.
const INSIDE: &str = "VISIONGUARD_SOUND_TEST";
const PATIENCE: Duration = Duration::from_secs(60);
/// What the file's samples are: two channels of 16 bits.
const RATE: usize = 44_100;

#[test]
fn a_sound_is_played_to_its_end_and_louder_at_a_hundred_percent_than_at_twenty() {
    let name = "a_sound_is_played_to_its_end_and_louder_at_a_hundred_percent_than_at_twenty";
    if let Some(volume) = inside() {
        let player = ready_player();
        return assert_eq!(told(&player, Sound::Alert, volume), Ok(()));
    }
    let heard = |volume| play_into_a_file(name, volume);

    let (full, low, silent) = (heard("100"), heard("20"), heard("0"));

    assert!(loudest(&full) > 20_000 && loudest(&full) < 32_768, "{}", loudest(&full));
    assert!(loudest(&low) > 200 && loudest(&low) * 10 < loudest(&full), "{}", loudest(&low));
    // The last note has gone when the device is closed, and most of a second was played.
    let (from, to) = (sounding(&full).next().unwrap(), sounding(&full).last().unwrap());
    assert!((to - from) * 10 > RATE * 2 * 5, "{from} to {to}");
    assert!(full.len() - to > RATE * 2 / 10, "{to} of {}", full.len());
    assert!(silent.is_empty(), "the device is not even opened");
}

#[test]
fn the_urgent_sound_is_another_and_lasts_longer() {
    let name = "the_urgent_sound_is_another_and_lasts_longer";
    if let Some(volume) = inside() {
        let player = ready_player();
        return assert_eq!(told(&player, Sound::Urgent, volume), Ok(()));
    }

    let urgent = play_into_a_file(name, "100");

    assert!(loudest(&urgent) > 20_000);
    let (from, to) = (sounding(&urgent).next().unwrap(), sounding(&urgent).last().unwrap());
    assert!((to - from) * 10 > RATE * 2 * 8, "{from} to {to}");
}

#[test]
fn without_a_device_it_says_so_and_nothing_waits() {
    let name = "without_a_device_it_says_so_and_nothing_waits";
    if let Some(volume) = inside() {
        let player = Player::start().unwrap();
        let asked_at = Instant::now();
        for _ in 0..100 {
            player.play(Sound::Urgent, volume);
            assert!(!player.can_play());
        }
        assert!(asked_at.elapsed() < Duration::from_secs(1), "whoever asks is not held up");
        let unheard = eventually_told(&player, volume);
        assert!(matches!(unheard, Err(Unheard::Device(_))), "{unheard:?}");
        return assert!(!player.can_play());
    }
    let home = tempfile::tempdir().unwrap();
    let conf = home.path().join("asound.conf");
    fs::write(&conf, "pcm.!default { type hw card 31 }\n").unwrap();

    succeeded(&again(name, &conf, "100"));
}

#[test]
fn a_device_that_appears_is_found_and_one_that_hangs_holds_nobody_up() {
    let name = "a_device_that_appears_is_found_and_one_that_hangs_holds_nobody_up";
    if let Some(volume) = inside() {
        let player = Player::start().unwrap();
        let fifo = std::env::var("VISIONGUARD_SOUND_FIFO").unwrap();
        // Nobody reads from it: whoever opens it to write waits for ever.
        until("it counts as hanging", || {
            assert!(!player.can_play());
            player.play(Sound::Alert, volume);
            told_soon(&player, volume) == Some(Err(Unheard::Busy))
        });
        assert!(!player.can_play());

        std::thread::spawn(move || std::io::copy(&mut fs::File::open(fifo).unwrap(), &mut std::io::sink()));
        until("it is found", || player.can_play());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let fifo = home.path().join("fifo");
    succeeded(&Command::new("mkfifo").arg(&fifo).output().unwrap());
    let conf = home.path().join("asound.conf");
    fs::write(&conf, conf_into(&fifo)).unwrap();

    succeeded(&command(name, &conf, "100").env("VISIONGUARD_SOUND_FIFO", &fifo).output().unwrap());
}

/// The volume to play at, in the process that plays.
fn inside() -> Option<Volume> {
    std::env::var(INSIDE).ok().map(|percent| Volume::percent(percent.parse().unwrap()))
}

fn command(name: &str, conf: &Path, percent: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(INSIDE, percent).env("ALSA_CONFIG_PATH", conf);
    command
}

fn again(name: &str, conf: &Path, percent: &str) -> Output {
    command(name, conf, percent).output().unwrap()
}

fn succeeded(output: &Output) {
    let words = [&output.stdout, &output.stderr].map(|words| String::from_utf8_lossy(words));
    assert!(output.status.success(), "{}{}", words[0], words[1]);
}

/// The samples that ALSA was given.
fn play_into_a_file(name: &str, percent: &str) -> Vec<i16> {
    let home = tempfile::tempdir().unwrap();
    let (conf, file) = (home.path().join("asound.conf"), home.path().join("played.raw"));
    fs::write(&conf, conf_into(&file)).unwrap();

    succeeded(&again(name, &conf, percent));

    let bytes = fs::read(file).unwrap_or_default();
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

fn conf_into(file: &Path) -> String {
    let file = file.display();
    format!(
        "pcm.!default {{ type plug slave {{ format S16_LE rate {RATE} channels 2
            pcm {{ type file file \"{file}\" format raw slave.pcm {{ type null }} }} }} }}\n"
    )
}

fn ready_player() -> Player {
    let player = Player::start().unwrap();
    until("there is a device", || player.can_play());
    player
}

fn told(player: &Player, sound: Sound, volume: Volume) -> Result<(), Unheard> {
    let (tell, told) = channel();
    player.play_and_tell(sound, volume, move |outcome| tell.send(outcome).unwrap());
    told.recv_timeout(PATIENCE).unwrap()
}

fn told_soon(player: &Player, volume: Volume) -> Option<Result<(), Unheard>> {
    let (tell, told) = channel();
    player.play_and_tell(Sound::Alert, volume, move |outcome| drop(tell.send(outcome)));
    told.try_recv().ok()
}

/// What becomes of a sound that finds room among those that wait.
fn eventually_told(player: &Player, volume: Volume) -> Result<(), Unheard> {
    let mut outcome = Err(Unheard::Busy);
    until("a sound is tried", || {
        outcome = told(player, Sound::Alert, volume);
        outcome != Err(Unheard::Busy)
    });
    outcome
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < give_up_at, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn loudest(samples: &[i16]) -> i32 {
    samples.iter().map(|sample| i32::from(*sample).abs()).max().unwrap_or_default()
}

/// The places of samples that are heard.
fn sounding(samples: &[i16]) -> impl Iterator<Item = usize> {
    let places = samples.iter().enumerate().filter(|(_, sample)| sample.unsigned_abs() > 30);
    places.map(|(place, _)| place)
}
