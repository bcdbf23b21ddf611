//! Ways that cut what is silent, in virtual time.

use proptest::prelude::*;

use super::*;

/// How a way ends a connection on which nothing was said for its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cutter {
    /// Both ends are told, as HAProxy and nginx do.
    Closes,
    /// Nobody is told, as a gateway that forgets does.
    Forgets,
}

#[test]
fn case_26_a_tunnel_that_is_cut_after_ten_seconds_of_silence_stands_after_three_deaths() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);

    let offline = bench.behind(Cutter::Closes, Duration::from_secs(10), Duration::from_secs(600));

    assert_eq!(bench.link.idle_limit(), Some(Duration::from_secs(10)));
    assert!(offline < Duration::from_secs(6), "offline for {offline:?}");
}

#[test]
fn case_26_a_gateway_that_forgets_without_a_word_is_found_out_too() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);

    bench.behind(Cutter::Forgets, Duration::from_secs(20), Duration::from_secs(300));
    let offline = bench.behind(Cutter::Forgets, Duration::from_secs(20), Duration::from_secs(3600));

    assert_eq!(offline, Duration::ZERO);
    assert!(bench.is_online());
}

#[test]
fn case_26_what_was_learnt_is_told_and_another_way_begins_anew() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    bench.behind(Cutter::Closes, Duration::from_secs(10), Duration::from_secs(120));

    let told: Vec<Event> =
        bench.events().into_iter().filter(|event| matches!(event, Event::IdleLimit(_))).collect();
    bench.link.expect_idle_limit(None);

    assert_eq!(told, [Event::IdleLimit(Some(Duration::from_secs(10)))]);
    assert_eq!(bench.link.idle_limit(), None);
}

proptest! {
    #[test]
    fn case_26_whatever_the_limit_from_four_seconds_up_the_connection_comes_to_stand(seconds in 4_u64..120) {
        let mut bench = Bench::new();
        bench.link.connect(bench.now);
        let limit = Duration::from_secs(seconds);

        bench.behind(Cutter::Closes, limit, Duration::from_secs(600));
        let offline = bench.behind(Cutter::Closes, limit, Duration::from_secs(600));

        prop_assert_eq!(offline, Duration::ZERO);
    }
}

impl Bench {
    /// Goes on for a time behind something that cuts, with a server that answers pings and says nothing else; how long
    /// there was no connection.
    fn behind(&mut self, cutter: Cutter, limit: Duration, lasting: Duration) -> Duration {
        let until = self.now + lasting;
        let mut offline = Duration::ZERO;
        let mut said_at = self.now;
        while self.now < until {
            let dead = self.now.since(said_at) >= limit;
            for action in self.actions() {
                match action {
                    Action::Open => {
                        self.link.handle_open(self.now);
                        said_at = self.now;
                    }
                    Action::Send(_) if dead && cutter == Cutter::Forgets => {}
                    Action::Send(_) => {
                        said_at = self.now;
                        self.link.handle_text(PONG, self.now);
                    }
                    Action::Close { .. } => {}
                }
            }
            if self.is_online() && cutter == Cutter::Closes && self.now.since(said_at) >= limit {
                self.link.handle_close(Cause::Lost, self.now);
            }
            let tick = Duration::from_millis(100);
            if !self.is_online() {
                offline += tick;
            }
            self.pass(0.1);
        }
        offline
    }
}
