//! How long a durable publish takes: from the call to the commit on disk, with and without group commit.
//!
//! `cargo run --release -p visionguard-server --example publishing -- [producers] [alerts each] [kB of picture] [rounds]`
//!
//! Both ways run in turn in the same process on fresh databases in the temporary directory (`TMPDIR`), so that only
//! their ratio means anything on another machine.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use visionguard_proto::{Jpeg, ShopId, StreamId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Role, Running, Server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let numbers = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<Vec<usize>, _>>()?;
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default);
    let (producers, each, kilobytes, rounds) = (number(0, 64), number(1, 25), number(2, 100), number(3, 5));
    let picture = picture(kilobytes * 1000)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{producers} producers, {each} alerts each, pictures of {} kB, {rounds} rounds",
        picture.bytes().len() / 1000
    )?;

    let (mut one_each, mut together) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        one_each.push(measure(1, producers, each, &picture).await?);
        together.push(measure(256, producers, each, &picture).await?);
    }

    for (name, runs) in [("a commit each", &one_each), ("group commit", &together)] {
        let alerts = median(runs, |run| run.per_second);
        let [half, most, nearly_all] =
            [0.5, 0.95, 0.99].map(|part| median(runs, |run| run.latency(part).as_secs_f64() * 1000.0));
        writeln!(
            out,
            "{name:14} {alerts:7.0} alerts/s   p50 {half:6.1} ms   p95 {most:6.1} ms   p99 {nearly_all:6.1} ms"
        )?;
    }
    let ratio = median(&together, |run| run.per_second) / median(&one_each, |run| run.per_second);
    writeln!(out, "group commit publishes {ratio:.1} times as many (medians of {rounds} rounds)")?;
    Ok(())
}

/// One run: sorted times from call to commit, and how many there were in a second.
struct Measured {
    times: Vec<Duration>,
    per_second: f64,
}

impl Measured {
    fn latency(&self, part: f64) -> Duration {
        let at = (self.times.len() as f64 * part) as usize;
        self.times.get(at.min(self.times.len() - 1)).copied().unwrap_or_default()
    }
}

async fn measure(
    commit_together: usize,
    producers: usize,
    each: usize,
    picture: &Jpeg,
) -> anyhow::Result<Measured> {
    let directory = tempfile::tempdir()?;
    let mut config = Config::new(directory.path());
    config.commit_together = commit_together;
    let server = Arc::new(Server::start(config).await?);
    let users = server.users();
    let owner = NewUser {
        email: "owner@shop.example".to_owned(),
        name: "Owner".to_owned(),
        role: Role::Owner,
        password: "correct horse battery".into(),
    };
    let owner = users.add_user(owner).await?;
    let shop = users.add_shop("Main Street", &owner).await?;

    let started = Instant::now();
    let all = (0..producers).map(|producer| {
        let (server, shop, picture) = (Arc::clone(&server), shop.clone(), picture.clone());
        tokio::spawn(async move { publish(&server, producer, each, &shop, &picture).await })
    });
    let mut times = Vec::new();
    for producer in all.collect::<Vec<_>>() {
        times.extend(producer.await??);
    }
    let per_second = times.len() as f64 / started.elapsed().as_secs_f64();
    times.sort();
    if let Ok(server) = Arc::try_unwrap(server) {
        server.stop().await;
    }
    Ok(Measured { times, per_second })
}

async fn publish(
    server: &Running,
    producer: usize,
    each: usize,
    shop: &ShopId,
    picture: &Jpeg,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for number in 0..each {
        let Value::Object(result) = json!({ "person_id": producer, "frame_number": number, "score": -3.5 })
        else {
            continue;
        };
        let detection = Detection {
            shop_id: shop.clone(),
            user_id: None,
            stream_id: StreamId::new(&format!("camera-{producer}"))?,
            kind: Kind::Theft,
            severity: None,
            location: Some(format!("Camera {producer}")),
            description: None,
            result,
            picture: Some(picture.clone()),
            idempotency_key: None,
        };
        let called = Instant::now();
        server.publish(detection).await?;
        times.push(called.elapsed());
    }
    Ok(times)
}

/// A picture of noise of about so many bytes.
fn picture(bytes: usize) -> anyhow::Result<Jpeg> {
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let mut side = 16;
    loop {
        let pixels: Vec<u8> = std::iter::repeat_with(&mut noise).take(side * side * 3).collect();
        let mut encoded = Vec::new();
        let length = u16::try_from(side)?;
        jpeg_encoder::Encoder::new(&mut encoded, 85).encode(
            &pixels,
            length,
            length,
            jpeg_encoder::ColorType::Rgb,
        )?;
        if encoded.len() >= bytes {
            return Ok(Jpeg::from_bytes(Bytes::from(encoded))?);
        }
        side += 16;
    }
}

fn median(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
