//! Messages that arrive in part, late, or slowly.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use support::chaos::{Way, Weather};
use support::desk::{Desk, quick_link, quick_pace};
use support::matrix;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use visionguard_client::clock::SystemClock;
use visionguard_client::connection::{Connection, Event, Target};
use visionguard_client::dial::SystemDial;
use visionguard_client::tls;
use visionguard_proto::link::{self, State};
use visionguard_proto::{Endpoint, UserId};

use crate::world::{Server, Which, World};

/// A whole alert, small enough to be cut everywhere.
const ALERT: &str = r#"{"type":"anomaly_detected","user_id":"u1","stream_id":"door","result":{"person_id":1,"score":-3.5,"frame_number":30,"start_frame":1},"annotated_frame":"","frame_format":"jpeg"}"#;

#[tokio::test]
async fn fault_15_a_message_is_cut_at_every_byte() {
    let fault =
        matrix::row(15, "a server ends the connection after each number of bytes of an alert's frame");
    let frame = text_frame(ALERT);

    for bytes in 0..=frame.len() {
        let alerts = alerts_of(&frame[..bytes]).await;

        assert_eq!(alerts, usize::from(bytes == frame.len()), "after {bytes} of {} bytes", frame.len());
    }

    fault.times(frame.len() as u32 + 1);
    fault.held(&["I1", "I11"]);
}

/// How many alerts the client makes of what a server says before it hangs up.
async fn alerts_of(said: &[u8]) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dial = Arc::new(SystemDial::new(tls::client_config(None).unwrap()));
    let (connection, mut events) = Connection::start(link::Config::default(), dial, Arc::new(SystemClock), 1);
    connection.connect(Target {
        endpoint: Endpoint::parse(&url).unwrap(),
        user: UserId::new("u1").unwrap(),
        token: "a-token".into(),
        spoke_two: false,
    });
    let stream = loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 64];
        let length = stream.peek(&mut asked).await.unwrap();
        if asked[..length].starts_with(b"GET /ws/alerts/") {
            break stream;
        }
        // Whatever else it asks for is not there, as on the original.
        stream.write_all(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
        let _length = stream.read(&mut [0; 4096]).await.unwrap();
    };
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    socket.get_mut().write_all(said).await.unwrap();
    socket.get_mut().shutdown().await.unwrap();
    let mut alerts = 0;
    loop {
        match events.recv().await.unwrap() {
            Event::Alert(alert) => {
                assert_eq!(alert.person_id, Some(1));
                alerts += 1;
            }
            Event::State(State::Waiting { .. }) => break,
            Event::State(_)
            | Event::SpeaksTwo
            | Event::Welcome { .. }
            | Event::Gap
            | Event::NoWelcome
            | Event::Notice(_)
            | Event::Unreadable(_)
            | Event::Repaired
            | Event::Question { .. }
            | Event::IdleLimit(_)
            | Event::Woke => {}
        }
    }
    connection.disconnect();
    while let Some(Ok(_)) = socket.next().await {}
    alerts
}

fn text_frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&[0x81, 126][..], &length.to_be_bytes(), text.as_bytes()].concat()
}

#[cfg(feature = "long")]
#[tokio::test]
async fn fault_15_the_whole_client_loses_nothing_wherever_it_is_cut() {
    let fault =
        matrix::row(15, "the proxy ends the socket after each number of bytes, with the whole client");
    let places: Vec<u64> = (0..250).chain((250..42_000).step_by(331)).collect();
    crate::network::cut(fault, &places, support::chaos::Ending::Closed).await;
}

#[tokio::test]
async fn fault_17_a_thin_and_wandering_line() {
    let injected = "the proxy passes on 20 kB/s, 0.2 s late, give or take 0.19 s; times cut to a tenth";
    thin_line(injected, Duration::from_millis(200), 3, || Desk::with_link(quick_pace(), quick_link())).await;
}

#[cfg(feature = "long")]
#[tokio::test]
async fn fault_17_a_thin_and_wandering_line_at_full_length() {
    let injected = "the proxy passes on 20 kB/s, 2 s late, give or take 1.9 s";
    thin_line(injected, Duration::from_secs(2), 15, || Desk::with(support::desk::real_pace())).await;
}

async fn thin_line(injected: &str, latency: Duration, alerts: u16, desk: impl Fn() -> Desk) {
    let fault = matrix::row(17, injected);
    let on = async |which| {
        let world = World::with(which, desk()).await;
        let sockets = world.chaos.requests("/ws/alerts/");
        let weather = Weather {
            latency,
            jitter: latency * 19 / 20,
            bytes_per_second: Some(20_000),
            ..Weather::default()
        };
        world.chaos.set(Way::ToClient, weather.clone());
        world.chaos.set(Way::ToServer, weather);

        let mut ids = Vec::new();
        for person in 1..=alerts {
            ids.push(publish_large(&world.server, person).await);
        }

        world
            .desk
            .until_alerts_within(u32::from(alerts), Duration::from_secs(60 + 15 * u64::from(alerts)))
            .await;
        assert_eq!(world.chaos.requests("/ws/alerts/"), sockets, "a living connection was taken for dead");
        world.chaos.clear();
        world.until_exactly(&ids).await;
    };
    tokio::join!(on(Which::Original), on(Which::Ours));
    fault.times(2 * u32::from(alerts));
    fault.held(&["I1", "I2", "I6"]);
}

/// An alert of about 200 kB on the wire.
async fn publish_large(server: &Server, person: u16) -> String {
    let picture = support::picture::noise(620, 460);
    assert!((130_000..200_000).contains(&picture.len()), "{} bytes", picture.len());
    server.publish_picture(person, picture).await
}
