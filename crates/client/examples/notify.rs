//! What a picture costs in a notification: how long the service of this session's bus takes to answer `Notify` with one and
//! without, in turn in one run, each sent by the notifier as it sends alerts. Time is taken from the call to its answer, as both
//! pass on the bus.
//!
//! ```text
//! cargo run -p visionguard-client --example notify
//! ```
#![allow(clippy::print_stdout)] // It is what it is for.

#[cfg(target_os = "linux")]
mod measure {
    use std::collections::HashMap;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::{Duration, Instant};

    use bytes::Bytes;
    use visionguard_client::notifier::{self, Notifier};
    use visionguard_client::shell::{Buttons, Notification, Outcome};
    use zbus::message::Type;
    use zbus::{Connection, MatchRule};

    /// With a picture or without, so that neither always comes after the other.
    const ORDER: [bool; 4] = [false, true, true, false];
    const ROUNDS: usize = 15;
    /// Rounds that are not counted: the first ones load what the service needs.
    const WARM_UP: usize = 2;
    /// In which the service draws what it has taken.
    const PAUSE: Duration = Duration::from_millis(200);
    const PATIENCE: Duration = Duration::from_secs(20);

    type Failure = Box<dyn std::error::Error>;

    pub(super) fn measure() -> Result<(), Failure> {
        let runtime = tokio::runtime::Runtime::new()?;
        let answers = runtime.block_on(answers())?;
        let service = runtime.block_on(notifier::ask())?;
        let folder = tempfile::tempdir()?;
        let (report, outcomes) = channel();
        let notifier = Notifier::start(folder.path(), move |outcome| drop(report.send(outcome)))?;
        let frame = frame()?;

        let (mut without, mut with) = (Vec::new(), Vec::new());
        for round in 0..WARM_UP + ROUNDS {
            for (turn, has_picture) in ORDER.into_iter().enumerate() {
                let id = (round * ORDER.len() + turn + 1).to_string();
                notifier.notify(Notification {
                    id: id.clone(),
                    alert: None,
                    title: "Theft pattern, Aisle 3".into(),
                    body: "12:00. Medium: Theft pattern, score 3.5.".into(),
                    picture: has_picture.then(|| frame.clone()),
                    sound: false,
                    critical: false,
                    buttons: Buttons::Incident,
                    in_place_of: None,
                });
                let outcome = outcomes.recv_timeout(PATIENCE)?;
                if !matches!(outcome, Outcome::Shown { .. }) {
                    return Err(format!("not shown: {outcome:?}").into());
                }
                let took = answers.recv_timeout(PATIENCE)?;
                if round >= WARM_UP {
                    if has_picture { with.push(took) } else { without.push(took) }
                }
                std::thread::sleep(PAUSE);
                notifier.withdraw(&id);
                std::thread::sleep(PAUSE);
            }
        }
        notifier.end(PATIENCE);
        let (without, with) = (median(without), median(with));
        println!(
            "{}: {without:.2} ms without, {with:.2} ms with a picture: {:.2} x",
            service.name,
            with / without
        );
        Ok(())
    }

    /// How long each `Notify` of this bus takes from now on.
    async fn answers() -> Result<Receiver<Duration>, Failure> {
        use futures_util::StreamExt;

        let bus = Connection::session().await?;
        let mut messages = zbus::MessageStream::from(&bus);
        let rules = [
            "type='method_call',interface='org.freedesktop.Notifications',member='Notify'",
            "type='method_return'",
        ];
        let rules = rules.map(MatchRule::try_from).into_iter().collect::<Result<Vec<_>, _>>()?;
        zbus::fdo::MonitoringProxy::new(&bus).await?.become_monitor(&rules, 0).await?;
        let (tell, told) = channel();
        tokio::spawn(async move {
            let _bus = bus;
            let mut asked = HashMap::new();
            while let Some(Ok(message)) = messages.next().await {
                let (now, header) = (Instant::now(), message.header());
                if header.message_type() == Type::MethodCall {
                    let caller = header.sender().map(ToString::to_string);
                    asked.insert((caller, header.primary().serial_num()), now);
                    continue;
                }
                let Some(serial) = header.reply_serial() else { continue };
                let caller = header.destination().map(ToString::to_string);
                if let Some(at) = asked.remove(&(caller, serial)) {
                    let _ = tell.send(now - at);
                }
            }
        });
        Ok(told)
    }

    /// A frame as a camera sends it.
    fn frame() -> Result<Bytes, Failure> {
        let (width, height) = (1920_u16, 1080_u16);
        let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
        let mut noise = 1_u32;
        for y in 0..u32::from(height) {
            for x in 0..u32::from(width) {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let grain = noise >> 28;
                pixels.extend(
                    [x / 8 + grain, y / 5 + grain, (x + y) / 13 + grain].map(|light| light.min(255) as u8),
                );
            }
        }
        let mut jpeg = Vec::new();
        jpeg_encoder::Encoder::new(&mut jpeg, 80).encode(
            &pixels,
            width,
            height,
            jpeg_encoder::ColorType::Rgb,
        )?;
        Ok(Bytes::from(jpeg))
    }

    fn median(mut times: Vec<Duration>) -> f64 {
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        middle.as_secs_f64() * 1_000.0
    }
}

fn main() -> std::process::ExitCode {
    if let Some(code) = visionguard_client::serve_pictures_if_asked() {
        return code;
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = measure::measure() {
        eprintln!("{error}");
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}
