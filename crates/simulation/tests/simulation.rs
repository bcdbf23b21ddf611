//! The simulation itself: that the same seed is the same run, and that its checks find what is wrong.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use simulation::{Bug, Kind, Outcome, Plan, place, run};

const KINDS: [Kind; 2] = [Kind::Ours, Kind::Original];

/// What two runs of a seed share is worth something only where the runtime's own dice are fixed too.
#[cfg(tokio_unstable)]
#[test]
fn the_same_seed_is_the_same_run_line_by_line() {
    for kind in KINDS {
        for seed in 1..6 {
            let (one, other) = (play(Plan::new(seed, kind)), play(Plan::new(seed, kind)));

            assert_eq!((one.lines, one.hash), (other.lines, other.hash), "seed {seed}, {kind:?}");
            assert!(one.lines > 50, "seed {seed}, {kind:?}: nothing happened");
        }
    }
}

/// Runs that once found something; another runtime's dice would make others of them.
#[cfg(tokio_unstable)]
#[test]
fn what_was_found_before_is_found_no_more() {
    let found = [
        // A flood on a disk that had been read-only.
        (1133, Kind::Original),
        // A file that was damaged while it could not be opened.
        (1010, Kind::Original),
    ];
    for (seed, kind) in found {
        let outcome = play(Plan::new(seed, kind));

        assert_eq!(outcome.failure, None, "seed {seed}, {kind:?}");
    }
}

#[test]
fn other_seeds_are_other_runs() {
    let (one, other) = (play(Plan::new(1, Kind::Ours)), play(Plan::new(2, Kind::Ours)));

    assert_ne!(one.hash, other.hash);
}

#[test]
fn an_alert_that_is_told_by_nobody_is_missed() {
    for kind in KINDS {
        let found = first_failure(kind, Bug::LosesAnAlert);

        assert!(["I1", "I10"].contains(&found), "{kind:?}: {found}");
    }
}

#[test]
fn an_acknowledged_alert_that_is_not_kept_is_missed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::ForgetsWhatWasAcknowledged), "I3", "{kind:?}");
    }
}

#[test]
fn a_second_popup_is_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::ShowsTwice), "I2", "{kind:?}");
    }
}

#[test]
fn popups_that_cover_the_screen_are_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::WithdrawsNothing), "I14", "{kind:?}");
    }
}

#[test]
fn a_panic_is_noticed_though_nobody_awaits_its_task() {
    assert_eq!(first_failure(Kind::Original, Bug::Panics), "I11");
}

#[test]
fn a_dead_socket_that_the_server_keeps_is_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::KeepsDeadSockets), "I12", "{kind:?}");
    }
}

#[test]
fn an_entry_that_the_log_leaves_out_is_noticed() {
    assert_eq!(first_failure(Kind::Ours, Bug::SkipsOne), "I4");
}

#[test]
fn pictures_that_pile_up_are_noticed() {
    let bug = Some(Bug::KeepsEveryPicture);
    let outcomes = (1..20).map(|seed| play(Plan { bug, ..Plan::new(seed, Kind::Original) }));

    let found: Vec<_> = outcomes.filter_map(|outcome| Some(outcome.failure?.invariant)).collect();

    assert!(found.contains(&"I5"), "{found:?}");
}

#[test]
fn a_secret_in_a_file_is_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::WritesASecret), "I9", "{kind:?}");
    }
}

#[test]
fn a_journal_that_does_not_wait_for_the_disk_loses_with_the_power_what_it_acknowledged() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::TrustsTheCache), "I3", "{kind:?}");
    }
}

#[test]
fn a_test_message_that_does_not_come_round_is_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::SwallowsDrills), "drill", "{kind:?}");
    }
}

#[test]
fn a_setting_that_is_not_changed_is_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::ChangesNothing), "settings", "{kind:?}");
    }
}

#[test]
fn what_is_left_after_erasing_is_noticed() {
    for kind in KINDS {
        assert_eq!(first_failure(kind, Bug::ErasesNothing), "erase", "{kind:?}");
    }
}

#[test]
fn alerts_of_somebody_else_are_noticed() {
    assert_eq!(first_failure(Kind::Original, Bug::MixesAccounts), "accounts");
}

#[test]
fn a_lost_place_that_is_not_said_is_noticed() {
    assert_eq!(first_failure(Kind::Original, Bug::ListsWhomItForgot), "I13");
}

/// Which invariant fails first with this bug, in the first seeds that give it a chance.
fn first_failure(kind: Kind, bug: Bug) -> &'static str {
    for seed in 1..20 {
        let outcome = play(Plan { bug: Some(bug), ..Plan::new(seed, kind) });
        if let Some(failure) = outcome.failure {
            return failure.invariant;
        }
    }
    panic!("{bug:?} was not found in 20 seeds of {kind:?}");
}

fn play(plan: Plan) -> Outcome {
    run(plan, &folder(), false).expect("the run")
}

/// Tests run side by side, and each run has files of its own.
fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    place().join(NEXT.fetch_add(1, Ordering::SeqCst).to_string())
}
