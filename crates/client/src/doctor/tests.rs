use std::sync::Mutex;

use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::api::Http;
use crate::clock::SystemClock;
use crate::dial::SystemDial;
use crate::keychain::MemoryKeychain;
use crate::testing::{Reply, Request, TinyServer, answer, closed_port, json, tls};
use crate::view::{Counts, Standing, Status, StatusView};

#[tokio::test]
async fn a_healthy_installation_is_good_all_the_way() {
    let server = TinyServer::start(|request| respond(request, json(200, REGISTERED))).await;

    let findings = examine_server(&server.url(), Some("good")).await;

    assert_eq!(verdicts(&findings), [Verdict::Good; 5]);
    assert!(findings[2].found.contains("shop@example.com"));
    assert!(findings[4].found.contains("42 seconds"));
    assert!(
        !server.requests().iter().any(|request| request.path.starts_with("/ws/alerts")),
        "the slot was taken"
    );
}

#[tokio::test]
async fn case_04_a_listed_connection_is_no_better_than_the_running_program_says() {
    let server = TinyServer::start(|request| respond(request, json(200, REGISTERED))).await;
    let verdict = async |running: Running| {
        let mut findings = Vec::new();
        let patient = Patient { running, ..patient(&server.url(), Some("good")) };
        server::examine(&patient, &mut |finding| findings.push(finding)).await;
        (findings[4].verdict, findings[4].advice.clone())
    };

    let deaf = verdict(told(Status::Deaf)).await;
    let nobody = verdict(Running::Nobody).await;
    let silent = verdict(Running::Silent).await;

    assert_eq!(deaf.0, Verdict::Bad);
    assert!(deaf.1.is_some_and(|said| said.contains("How it is.")));
    assert_eq!((nobody.0, silent.0), (Verdict::Warning, Verdict::Warning), "whose it is is not known");
}

#[test]
fn that_no_program_runs_is_bad_for_no_alert_reaches_this_computer() {
    let finding = program::examine(&Running::Nobody);

    assert_eq!((finding.verdict, finding.check), (Verdict::Bad, Check::Program));
    assert!(finding.found.contains("no alerts reach this computer"), "{}", finding.found);
}

#[tokio::test]
async fn where_no_socket_is_listed_one_is_opened_looked_for_and_closed() {
    let server = SocketServer::start(true).await;

    let findings = examine_server(&server.url(), Some("good")).await;

    assert_eq!(verdicts(&findings), [Verdict::Good; 5], "{findings:?}");
    assert_eq!(*server.closed_with.lock().unwrap(), [1000]);
}

#[tokio::test]
async fn it_says_which_protocol_the_server_speaks() {
    const TWO: &str = r#"{"protocol":2,"auth":["bearer"],"frames":["base64","binary"]}"#;
    for (capabilities, said) in [(json(404, "{}"), "protocol 1"), (json(200, TWO), "protocol 2")] {
        let server = TinyServer::start(move |request| match request.path.as_str() {
            "/ws/capabilities" => capabilities.clone(),
            _ => respond(request, json(200, REGISTERED)),
        })
        .await;

        let findings = examine_server(&server.url(), Some("good")).await;

        assert!(findings[3].found.contains(said), "{}", findings[3].found);
        assert!(!server.requests().iter().any(|request| request.path.contains("token=")));
    }
}

#[tokio::test]
async fn a_deaf_socket_is_bad() {
    let server = SocketServer::start(false).await;

    let findings = examine_server(&server.url(), Some("good")).await;

    assert_eq!(findings[3].verdict, Verdict::Good);
    assert_eq!((findings[4].check, findings[4].verdict), (Check::Registration, Verdict::Bad));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_bad_and_the_rest_is_not_looked_at() {
    let findings = examine_server(&format!("http://127.0.0.1:{}", closed_port().await), Some("good")).await;

    assert_eq!((findings[0].check, findings[0].verdict), (Check::Address, Verdict::Bad));
    assert!(findings[0].found.contains("refused"), "{}", findings[0].found);
    assert_eq!(findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), WAY);
}

#[tokio::test]
async fn what_is_no_address_is_named() {
    let findings = examine_server("ftp://x", None).await;

    assert_eq!(findings[0].verdict, Verdict::Bad);
    assert!(findings[0].found.contains("ftp://x"));
}

#[tokio::test]
async fn a_stranger_s_certificate_is_a_matter_of_tls_not_of_the_address() {
    let authority = crate::testing::Authority::new();
    let server = TinyServer::start_tls(authority.server("localhost"), |_| json(200, "{}")).await;

    let findings = examine_server(&format!("https://localhost:{}", server.port), Some("good")).await;

    assert_eq!(findings[0].verdict, Verdict::Good);
    assert_eq!((findings[1].check, findings[1].verdict), (Check::Tls, Verdict::Bad));
    assert_eq!(findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), WAY);
}

#[tokio::test]
async fn a_dead_token_and_nobody_at_all_ask_for_a_sign_in() {
    let server = TinyServer::start(|request| respond(request, json(200, REGISTERED))).await;

    for token in [Some("dead"), None] {
        let findings = examine_server(&server.url(), token).await;

        assert_eq!((findings[2].check, findings[2].verdict), (Check::SignIn, Verdict::Bad));
        assert!(findings[2].advice.as_ref().unwrap().contains("Sign in"));
        assert_eq!(findings.len(), 5);
    }
}

#[tokio::test]
async fn a_sign_in_that_the_running_program_alone_has_is_not_called_missing() {
    let server = TinyServer::start(|request| respond(request, json(200, REGISTERED))).await;
    let running_at = |at: &str| {
        let mut running = told(Status::Protected);
        if let Running::Told(standing) = &mut running {
            standing.server = Some(at.to_owned());
        }
        running
    };

    for (at, expected) in [(server.url(), Verdict::Warning), ("http://127.0.0.1:9".to_owned(), Verdict::Bad)]
    {
        let patient = Patient { running: running_at(&at), ..patient(&server.url(), None) };
        let mut findings = Vec::new();
        server::examine(&patient, &mut |finding| findings.push(finding)).await;

        let sign_in = findings.iter().find(|finding| finding.check == Check::SignIn).unwrap();
        assert_eq!(sign_in.verdict, expected, "{}", sign_in.found);
    }
}

#[tokio::test]
async fn a_refused_socket_says_with_what() {
    let server = TinyServer::start(|request| respond(request, json(404, "{}"))).await;

    let findings = examine_server(&server.url(), Some("good")).await;

    assert_eq!((findings[3].check, findings[3].verdict), (Check::Socket, Verdict::Bad));
    assert!(findings[3].found.contains("404"), "{}", findings[3].found);
}

#[tokio::test]
async fn every_check_is_made_once_and_in_order() {
    let mut checks = Vec::new();

    examine(&patient("", None), |finding| checks.push(finding.check)).await;

    let [address, tls, sign_in, socket, registration] = WAY;
    let (program, data, keychain) = (Check::Program, Check::Data, Check::Keychain);
    let (notifications, tray) = (Check::Notifications, Check::Tray);
    assert_eq!(
        checks,
        [address, tls, sign_in, socket, registration, program, data, keychain, notifications, tray]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_bad_and_one_with_room_good() {
    let name = "doctor::tests::a_full_disk_is_bad_and_one_with_room_good";
    crate::testing::on_a_small_disk(name, 1024 * 1024, |disk| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let look = || runtime.block_on(place::data(&DataDir::at(disk.to_owned())));
        assert_eq!(look().verdict, Verdict::Good);

        crate::testing::fill(disk);
        let finding = look();

        assert_eq!(finding.verdict, Verdict::Bad);
        assert!(
            finding.found.ends_with("is full. Alerts are shown, but lost when the program ends."),
            "{finding:?}"
        );
        assert!(finding.advice.unwrap().starts_with("Free some space"));
    });
}

#[test]
fn what_is_wrong_with_a_variable_is_not_corrected_in_the_file() {
    let advice = |file: &str, variables: &'static [&str]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("settings.toml"), file).unwrap();
        let variable = |name: &str| variables.contains(&name).then(|| "abc".to_owned());
        let (_, complaints) = crate::settings::load_with(folder.path(), variable);
        place::settings(&complaints).and_then(|finding| finding.advice)
    };

    let file = advice("sound_volume = 1000", &[]).unwrap();
    let variable = advice("", &["VISIONGUARD_SOUND_VOLUME"]).unwrap();
    let both = advice("sound_volume = 1000", &["VISIONGUARD_SOUND_VOLUME", "VISIONGUARD_BLUR"]).unwrap();

    assert!(file.contains("the file") && !file.contains("VISIONGUARD_"), "{file}");
    assert!(variable.contains("VISIONGUARD_SOUND_VOLUME") && !variable.contains("the file"), "{variable}");
    assert!(
        both.contains("the file") && both.contains("VISIONGUARD_SOUND_VOLUME, VISIONGUARD_BLUR"),
        "{both}"
    );
    assert_eq!(advice("", &[]), None);
}

#[tokio::test]
async fn a_keychain_in_memory_is_a_warning() {
    let finding = keeping::examine(&MemoryKeychain::default()).await;

    assert_eq!(finding.verdict, Verdict::Warning);
    assert!(!finding.found.starts_with("doctor."));
}

#[cfg(target_os = "linux")]
#[test]
fn a_bare_session_shows_nothing_and_one_with_both_is_good() {
    crate::testing::inside_a_session(
        "doctor::tests::a_bare_session_shows_nothing_and_one_with_both_is_good",
        || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                // There is a bus here and no display, as on a computer that is reached over the network.
                assert_eq!(desktop::notifications().await.verdict, Verdict::Warning);
                assert_eq!(desktop::tray().await.verdict, Verdict::Warning);

                let _both = zbus::connection::Builder::session()
                    .unwrap()
                    .serve_at("/org/freedesktop/Notifications", Notifications)
                    .unwrap()
                    .name("org.freedesktop.Notifications")
                    .unwrap()
                    .name("org.kde.StatusNotifierWatcher")
                    .unwrap()
                    .name("org.kde.StatusNotifierHost-1-1")
                    .unwrap()
                    .build()
                    .await
                    .unwrap();

                let notifications = desktop::notifications().await;
                assert_eq!(
                    notifications.found,
                    "Notifications are shown by paper 1.2. They have buttons to acknowledge, to view and to snooze."
                );
                assert_eq!(desktop::tray().await.verdict, Verdict::Good);
            });
        },
    );
}

#[cfg(target_os = "linux")]
struct Notifications;

#[cfg(target_os = "linux")]
#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    fn get_capabilities(&self) -> Vec<&str> {
        vec!["actions", "body"]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("paper", "nobody", "1.2", "1.2")
    }
}

const WAY: [Check; 5] = [Check::Address, Check::Tls, Check::SignIn, Check::Socket, Check::Registration];
const NOT_REGISTERED: &str = include_str!("../../../../tests/fixtures/ws_connections_user_404.json");
const EXPIRED: &str = include_str!("../../../../tests/fixtures/me_401_expired.json");
const REGISTERED: &str = r#"{"user_id":"u1","connected":true,"uptime_seconds":42.5}"#;
const ME: &str = r#"{"id":"u1","name":"Shop","email":"shop@example.com"}"#;

async fn examine_server(server: &str, token: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    server::examine(&patient(server, token), &mut |finding| findings.push(finding)).await;
    for finding in &findings {
        let said = format!("{} {}", finding.found, finding.advice.as_deref().unwrap_or_default());
        assert!(!said.contains("doctor."), "words are missing: {said}");
    }
    findings
}

fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
    findings.iter().map(|finding| finding.verdict).collect()
}

fn patient(server: &str, token: Option<&str>) -> Patient {
    let tls = tls();
    let keychain: Arc<dyn Keychain> = Arc::new(MemoryKeychain::default());
    let nowhere = std::path::PathBuf::from("/nowhere");
    let http = Http::new(&tls).unwrap();
    Patient {
        idle_limit: None,
        account: Account::new(nowhere, Arc::clone(&keychain), http, Arc::new(SystemClock)),
        server: Some(server.to_owned()),
        keychain,
        dial: Arc::new(SystemDial::new(Arc::clone(&tls))),
        tls,
        keeping: Keeping {
            data_dir: DataDir { path: "/nowhere".into(), trouble: None },
            complaints: Vec::new(),
            trust: Trust::of(None),
        },
        token: token.map(|token| ("u1".to_owned(), token.into())),
        running: told(Status::Protected),
    }
}

/// What a running program says that is signed in as this user.
fn told(status: Status) -> Running {
    let status = StatusView {
        status,
        reason: "reason".to_owned(),
        sentence: "How it is.".to_owned(),
        since: 0,
        heard_at: None,
        next_attempt_at: None,
        record_every: None,
        remedy: None,
    };
    Running::Told(Box::new(Standing {
        program: None,
        in_memory: false,
        idle_limit_ms: None,
        snoozes: Vec::new(),
        status,
        server: None,
        user_id: Some("u1".to_owned()),
        email: None,
        counts: Counts::default(),
        notices: Vec::new(),
    }))
}

fn respond(request: &Request, registration: Reply) -> Reply {
    match request.path.split('?').next().unwrap_or_default() {
        "/auth/me" if request.header("authorization") == Some("Bearer good") => json(200, ME),
        "/auth/me" => json(401, EXPIRED),
        "/ws/connections/u1" => registration,
        _ => answer(404, &[], ""),
    }
}

/// A server whose socket opens.
struct SocketServer {
    port: u16,
    closed_with: Arc<Mutex<Vec<u16>>>,
    _http: TinyServer,
}

impl SocketServer {
    async fn start(registers: bool) -> SocketServer {
        let is_open = Arc::new(Mutex::new(false));
        let seen = Arc::clone(&is_open);
        let http = TinyServer::start(move |request| {
            let is_listed = registers && *seen.lock().unwrap();
            respond(request, if is_listed { json(200, REGISTERED) } else { json(404, NOT_REGISTERED) })
        })
        .await;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let closed_with = Arc::new(Mutex::new(Vec::new()));
        let (closed, http_port) = (Arc::clone(&closed_with), http.port);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (is_open, closed) = (Arc::clone(&is_open), Arc::clone(&closed));
                tokio::spawn(async move {
                    let mut start = [0; 15];
                    // The doctor's look at the address says nothing at all.
                    let Ok(15) = stream.peek(&mut start).await else { return };
                    if !start.starts_with(b"GET /ws/alerts/") {
                        return crate::testing::join(stream, http_port).await;
                    }
                    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                    *is_open.lock().unwrap() = true;
                    while let Some(Ok(message)) = socket.next().await {
                        if let Message::Close(frame) = message {
                            closed.lock().unwrap().push(frame.unwrap().code.into());
                        }
                    }
                });
            }
        });
        SocketServer { port, closed_with, _http: http }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

#[tokio::test]
async fn case_33_a_proxy_whose_server_is_down_is_not_the_server() {
    for status in [502, 503, 504] {
        let proxy =
            TinyServer::start(move |_| answer(status, &[("content-type", "text/html")], "<html>")).await;

        let findings = examine_server(&proxy.url(), Some("good")).await;

        assert_eq!((findings[0].check, findings[0].verdict), (Check::Address, Verdict::Bad));
        assert!(findings[0].found.contains("proxy in front of the server"), "{}", findings[0].found);
        assert!(proxy.requests().iter().any(|request| request.path == "/health"));
        assert_eq!(findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), WAY);
    }
}

#[tokio::test]
async fn case_25_a_proxy_that_wants_a_password_is_named() {
    let basic = [("www-authenticate", "Basic realm=\"shop\""), ("content-type", "text/html")];
    let proxy = TinyServer::start(move |_| answer(401, &basic, "<html>")).await;

    let findings = examine_server(&proxy.url(), Some("good")).await;

    assert_eq!((findings[0].check, findings[0].verdict), (Check::Address, Verdict::Bad));
    assert!(findings[0].found.contains("basic authentication"), "{}", findings[0].found);
}

#[tokio::test]
async fn case_26_what_cuts_silent_connections_is_told() {
    let server = TinyServer::start(|request| respond(request, json(200, REGISTERED))).await;
    let patient =
        Patient { idle_limit: Some(Duration::from_secs(10)), ..patient(&server.url(), Some("good")) };
    let mut findings = Vec::new();

    server::examine(&patient, &mut |finding| findings.push(finding)).await;

    assert_eq!((findings[3].check, findings[3].verdict), (Check::Socket, Verdict::Warning));
    assert!(findings[3].found.contains("10 s"), "{}", findings[3].found);
}

#[tokio::test]
async fn case_26_what_cuts_silent_connections_is_told_also_where_the_socket_cannot_be_looked_at() {
    let server = TinyServer::start(|request| respond(request, json(200, REGISTERED))).await;
    for (at, token) in [
        (server.url(), None),
        (server.url(), Some("dead")),
        (format!("http://127.0.0.1:{}", closed_port().await), None),
    ] {
        let limit = Some(Duration::from_secs(10));
        let mut findings = Vec::new();
        let patient = Patient { idle_limit: limit, ..patient(&at, token) };

        server::examine(&patient, &mut |finding| findings.push(finding)).await;

        assert_eq!((findings[3].check, findings[3].verdict), (Check::Socket, Verdict::Warning));
        assert!(findings[3].found.contains("10 s"), "{}", findings[3].found);
    }
}

#[tokio::test]
async fn case_26_the_running_program_s_word_on_what_cuts_connections_counts_for_its_server() {
    let Running::Told(standing) = told(Status::Protected) else { panic!("told") };
    let at = |url: &str| Some(url.to_owned());
    let standing =
        Standing { server: at("http://127.0.0.1:8000/"), idle_limit_ms: Some(10_000), ..*standing };
    let limit = async |server: &str| idle_limit(Path::new("/nowhere"), Some(&standing), Some(server)).await;

    assert_eq!(limit("http://127.0.0.1:8000").await, Some(Duration::from_secs(10)));
    assert_eq!(limit("http://127.0.0.1:9000").await, None);
}
