//! A crowd that loses its server at one moment: five thousand links in virtual time, three hundred over real sockets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use support::{http, matrix, wait};
use visionguard_client::clock::SystemClock;
use visionguard_client::connection::{Connection, Target};
use visionguard_client::dial::SystemDial;
use visionguard_client::tls;
use visionguard_proto::link::{self, Action, Link, State};
use visionguard_proto::{Backoff, Cause, Endpoint, Moment, UserId};
use visionguard_server::{NewUser, Role, Running};

use crate::world::{Ours, PASSWORD};

const CROWD: usize = 5_000;
/// Handshakes are counted in windows of this length.
const WINDOW: Duration = Duration::from_millis(100);

#[test]
fn fault_07_five_thousand_links_lose_one_server() {
    let fault = matrix::row(
        7,
        "5,000 links in virtual time; the server says goodbye or crashes, and is away for a while",
    );
    let away = [0.2, 2.0, 10.0, 60.0, 300.0];
    for (cause, how) in [(Cause::Closed(1012), "goodbye"), (Cause::Lost, "crash")] {
        for seconds in away {
            let crowd = Crowd::lose_the_server(cause, Duration::from_secs_f64(seconds));

            assert!(crowd.all_back < Duration::from_secs(30), "{how}, {seconds} s: {:?}", crowd.all_back);
            // Without jitter the whole crowd comes in one window.
            assert!(crowd.peak * 10 <= CROWD * 3, "{how}, {seconds} s: {} in one window", crowd.peak);
            fault.measured(
                &format!("{how}, away {seconds} s: peak in 100 ms"),
                format!("{}, all back {:.1} s after its return", crowd.peak, crowd.all_back.as_secs_f64()),
            );
        }
    }
    fault.times(2 * away.len() as u32);
    fault.held(&["I7"]);
}

/// How a crowd returned.
struct Crowd {
    /// Most handshakes in one window, once the server took them.
    peak: usize,
    /// From the server's return to the last handshake.
    all_back: Duration,
}

impl Crowd {
    fn lose_the_server(cause: Cause, away: Duration) -> Crowd {
        let lost = Moment::START + Duration::from_secs(3_600);
        let back = lost + away;
        let mut links: Vec<Link> = (0..CROWD).map(|seed| online(seed as u64, lost)).collect();
        let mut due = BinaryHeap::new();
        for (number, link) in links.iter_mut().enumerate() {
            // A goodbye reaches nobody at exactly the same time; a crash is noticed as late.
            let told = lost + Duration::from_micros(number as u64);
            link.handle_close(cause, told);
            due.push(Reverse((link.poll_timeout().unwrap(), number)));
        }

        let mut opened = Vec::new();
        while let Some(Reverse((now, number))) = due.pop() {
            let link = &mut links[number];
            link.handle_timeout(now);
            while let Some(action) = link.poll_action() {
                match action {
                    Action::Open if now >= back => {
                        opened.push(now);
                        link.handle_open(now);
                    }
                    Action::Open => link.handle_close(Cause::Refused, now),
                    Action::Send(_) | Action::Close { .. } => {}
                }
            }
            match link.state() {
                State::Waiting { until, .. } => due.push(Reverse((*until, number))),
                State::Online { .. } => {}
                other @ (State::Offline | State::Connecting { .. } | State::Rejected { .. }) => {
                    panic!("{other:?}")
                }
            }
        }
        assert_eq!(opened.len(), CROWD);
        opened.sort();
        let in_window =
            |first: usize| opened[first..].iter().take_while(|at| at.since(opened[first]) < WINDOW).count();
        let peak = (0..opened.len()).step_by(10).map(in_window).max().unwrap_or(0);
        Crowd { peak, all_back: opened[opened.len() - 1].since(back) }
    }
}

/// A link that has been connected, and heard from, until now.
fn online(seed: u64, now: Moment) -> Link {
    let mut link = Link::new(link::Config::default(), seed);
    link.connect(Moment::START);
    link.handle_open(Moment::START);
    link.handle_bytes(now);
    while link.poll_action().is_some() {}
    link
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_07_three_hundred_sockets_lose_our_server() {
    let fault = matrix::row(7, "our server is killed and started again under 300 real sockets of 50 users");
    let mut ours = Ours::start(|config| config.limits.sign_in_burst = 10_000).await;
    let targets = targets(ours.running(), 50).await;
    let tls = tls::client_config(None).unwrap();
    let dial = Arc::new(SystemDial::new(tls));
    let connections: Vec<Connection> = (0..300)
        .map(|number| {
            let (connection, mut events) =
                Connection::start(link::Config::default(), dial.clone(), Arc::new(SystemClock), number);
            tokio::spawn(async move { while events.recv().await.is_some() {} });
            connection.connect(targets[number as usize % targets.len()].clone());
            connection
        })
        .collect();
    all_online(&ours, &connections).await;

    let mut back = Vec::new();
    let mut draw = Backoff::new(7);
    for _ in 0..3 {
        ours.kill();
        tokio::time::sleep(draw.between(Duration::from_millis(100), Duration::from_secs(2))).await;
        ours.resume().await;
        let returned = Instant::now();
        all_online(&ours, &connections).await;
        back.push(returned.elapsed());
    }

    assert!(back.iter().all(|time| *time < wait::PATIENCE), "{back:?}");
    for connection in &connections {
        connection.disconnect();
    }
    let nobody = || (ours.running().connections() == 0).then_some(());
    wait::until("nobody to be left", nobody).await;
    fault.times(3);
    fault.spread("all 300 sockets back", &back);
    fault.held(&["I7", "I12"]);
}

/// Everybody is connected, and the server knows of as many.
async fn all_online(ours: &Ours, connections: &[Connection]) {
    wait::until("everybody to be online", || {
        let online = connections.iter().all(|connection| matches!(connection.state(), State::Online { .. }));
        let listed = ours.running().connections();
        (online && listed == connections.len()).then_some(())
    })
    .await;
}

/// Users with a token each.
async fn targets(running: &Running, count: usize) -> Vec<Target> {
    let mut targets = Vec::new();
    for number in 0..count {
        let email = format!("user-{number}@shop.example");
        let user = NewUser {
            email: email.clone(),
            name: "Somebody".to_owned(),
            role: Role::Manager,
            password: SecretString::from(PASSWORD),
        };
        let id: UserId = running.users().add_user(user).await.unwrap();
        let token = http::token(&running.url(), &email, PASSWORD).await;
        targets.push(Target {
            endpoint: Endpoint::parse(&running.url()).unwrap(),
            user: id,
            token: SecretString::from(token),
            spoke_two: false,
        });
    }
    targets
}
