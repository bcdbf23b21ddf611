//! A network of the test's own: interfaces that go down and up, addresses that swallow everything, names that lead to
//! them. Each test runs itself again in new namespaces, where the system lets it.

use std::process::Command;
use std::time::{Duration, Instant};

use support::desk::{Desk, quick_link, quick_pace};
use support::matrix::{self, Fault};
use support::wait;
use visionguard_client::view::Status;

use crate::world::{EMAIL, PASSWORD, Server};

/// Set in the process that runs inside.
const INSIDE: &str = "VISIONGUARD_TEST_INSIDE";

#[test]
fn fault_31_the_network_interface_goes_down_and_up() {
    let fault = matrix::row(31, "ip link set lo down and up in a network namespace, times cut to a tenth");
    if !is_inside() {
        return run_inside("namespace::fault_31_the_network_interface_goes_down_and_up", fault);
    }
    run(async {
        let server = Server::ours(|_| {}).await;
        let desk = Desk::with_link(quick_pace(), quick_link());
        desk.sign_in(&format!("http://{}", server.address()), EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        let mut ids = Vec::new();
        let mut back = Vec::new();
        for person in 1..=3 {
            ip(&["link", "set", "lo", "down"]);
            ids.push(server.publish(person).await);
            desk.until_status(Status::Offline).await;
            tokio::time::sleep(Duration::from_secs(5)).await;

            ip(&["link", "set", "lo", "up"]);
            let up = Instant::now();
            wait::until("the server to have it again", || (server.registered() >= 1).then_some(())).await;
            desk.until_status(Status::Protected).await;
            back.push(up.elapsed());
            desk.until_alerts(u32::from(person)).await;
        }
        crate::world::exactly(&desk, &ids).await;
        crate::world::notified_once(&desk);
        assert!(back.iter().all(|time| *time < Duration::from_secs(30)), "{back:?}");
        fault.times(3);
        fault.spread("protected again after the interface came up", &back);
        fault.held(&["I1", "I2", "I6", "I10"]);
    });
}

#[test]
fn fault_30_a_name_whose_first_address_is_dead() {
    let fault = matrix::row(30, "a name with a dead IPv6, a dead IPv4 and a living address, in namespaces");
    if !is_inside() {
        return run_inside("namespace::fault_30_a_name_whose_first_address_is_dead", fault);
    }
    // A cable whose other end nobody listens at; the neighbour is written down, so that nobody asks for it.
    ip(&["link", "add", "hole", "type", "veth", "peer", "name", "end"]);
    for link in ["hole", "end"] {
        ip(&["link", "set", link, "up"]);
    }
    for (own, dead) in [("10.9.0.1/24", "10.9.0.2"), ("fd00::1/64", "fd00::2")] {
        ip(&["addr", "add", own, "dev", "hole"]);
        ip(&["neigh", "add", dead, "lladdr", "02:00:00:00:00:02", "dev", "hole"]);
    }
    let hosts = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        hosts.path(),
        "fd00::2 alerts.shop.example\n10.9.0.2 alerts.shop.example\n127.0.0.1 alerts.shop.example\n",
    )
    .unwrap();
    call("mount", &["--bind", hosts.path().to_str().unwrap(), "/etc/hosts"]);
    run(async {
        let server = Server::ours(|_| {}).await;
        let desk = Desk::with(quick_pace());
        let url = format!("http://alerts.shop.example:{}", server.address().port());

        let began = Instant::now();
        desk.sign_in(&url, EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        let took = began.elapsed();
        let id = server.publish(1).await;

        crate::world::exactly(&desk, &[id]).await;
        assert!(took < Duration::from_secs(30), "{took:?}");
        fault.measured("signed in and protected after", format!("{:.1} s", took.as_secs_f64()));
        fault.held(&["I1"]);
    });
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this one test again in namespaces of its own, which tells how it went.
fn run_inside(test: &str, fault: Fault) {
    let possible =
        Command::new("unshare").args(["--map-root-user", "--net", "--mount", "ip", "link"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return fault.not_possible("network namespaces and iproute2 are needed");
    }
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "it failed inside");
    // The process inside has told.
    fault.told_elsewhere();
}

fn ip(arguments: &[&str]) {
    call("ip", arguments);
}

fn call(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
