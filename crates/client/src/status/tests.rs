use proptest::prelude::*;

use super::*;

#[test]
fn protected_needs_all_three() {
    let facts = all_well();

    assert_eq!(word(&facts, at(12)), Status::Protected);
    assert_eq!(word(&Facts { registration: None, ..facts.clone() }, at(12)), Status::CatchingUp);
    assert_eq!(word(&Facts { record: None, ..facts }, at(12)), Status::CatchingUp);
}

#[test]
fn what_was_found_on_an_earlier_connection_proves_nothing() {
    let reconnected = Facts { link: online(20, 20), ..all_well() };

    assert_eq!(word(&reconnected, at(21)), Status::CatchingUp);
}

#[test]
fn who_signed_in_anew_is_not_signed_out_by_what_the_link_knows_of_the_token_before() {
    let rejected = State::Rejected { cause: Cause::TokenRejected };
    let facts = |account| Facts { account, link: rejected, ..all_well() };

    let verdict = assess(&facts(Account::SignedIn), &Limits::default(), at(12));

    assert_eq!((verdict.status, verdict.reason), (Status::Offline, "connecting"));
    assert_eq!(word(&facts(Account::Expired), at(12)), Status::SignedOut);
}

#[test]
fn a_lost_slot_is_deaf_although_the_socket_answers() {
    let facts = Facts { registration: seen(11, Registration::Lost), ..all_well() };

    let verdict = assess(&facts, &Limits::default(), at(12));

    assert_eq!((verdict.status, verdict.reason), (Status::Deaf, "slot_lost"));
}

#[test]
fn an_alert_that_came_by_the_record_alone_is_deaf_until_the_next_connection() {
    let undelivered = Facts { undelivered: Some(at(11)), ..all_well() };
    let reconnected = Facts { undelivered: Some(at(9)), ..all_well() };

    let verdict = assess(&undelivered, &Limits::default(), at(12));

    assert_eq!((verdict.status, verdict.reason), (Status::Deaf, "not_delivered"));
    assert_ne!(sentence(&verdict), verdict.sentence, "it is in the words");
    assert_eq!(word(&reconnected, at(12)), Status::Protected);
}

#[test]
fn case_05_alerts_that_come_by_the_record_are_a_good_state_with_words_of_its_own() {
    for (share, reason) in [
        (Share::All, "protected_by_record"),
        (Share::Some, "protected_by_both"),
        (Share::Unsaid, "protected_unsaid"),
    ] {
        let facts = Facts { by_record: by_record(share), ..all_well() };

        let verdict = assess(&facts, &Limits::default(), at(12));

        assert_eq!((verdict.status, verdict.reason), (Status::Protected, reason));
        assert!(sentence(&verdict).contains("every 15 seconds"), "{}", sentence(&verdict));
    }
}

#[test]
fn where_everything_comes_by_the_record_the_list_of_connections_may_keep_silent() {
    let untold = Facts { registration: seen(11, Registration::Untold), ..all_well() };
    let all = Facts { by_record: by_record(Share::All), ..untold.clone() };
    let some = Facts { by_record: by_record(Share::Some), ..untold.clone() };
    let unsaid = Facts { by_record: by_record(Share::Unsaid), ..untold.clone() };

    assert_eq!(word(&untold, at(12)), Status::CatchingUp);
    assert_eq!(word(&all, at(12)), Status::Protected);
    assert_eq!(word(&unsaid, at(12)), Status::Protected);
    assert_eq!(word(&some, at(12)), Status::CatchingUp);
}

#[test]
fn where_alerts_come_by_the_record_it_must_have_been_read_just_now() {
    let facts = Facts { by_record: by_record(Share::All), link: online(10, 40), ..all_well() };

    assert_eq!(word(&facts, at(40)), Status::Protected);
    assert_eq!(word(&facts, at(41)), Status::CatchingUp);
    assert_eq!(word(&Facts { by_record: None, ..facts }, at(41)), Status::Protected);
}

#[test]
fn a_test_that_failed_is_amber_also_on_the_next_connection_until_something_passes() {
    for (failure, reason) in [
        (Failure::NotTaken, "drill_not_taken"),
        (Failure::NotDelivered, "drill_failed"),
        (Failure::NotHeard, "drill_failed"),
        (Failure::NotStored, "drill_not_stored"),
        (Failure::NotShown, "drill_not_shown"),
    ] {
        let facts = Facts { drill: Some(failure), ..all_well() };

        let verdict = assess(&facts, &Limits::default(), at(12));

        assert_eq!((verdict.status, verdict.reason), (Status::Deaf, reason));
        assert_eq!(verdict.remedy, Some(Remedy::RetryNow));
        assert_ne!(sentence(&verdict), verdict.sentence, "it is in the words");
        assert_eq!(word(&Facts { drill: None, ..facts }, at(12)), Status::Protected);
    }
}

#[test]
fn what_is_worse_than_a_failed_test_is_said_first() {
    let failed = Facts { drill: Some(Failure::NotHeard), ..all_well() };
    let lost = Facts { registration: seen(11, Registration::Lost), ..failed.clone() };
    let gone = Facts { link: State::Offline, ..failed };

    assert_eq!(assess(&lost, &Limits::default(), at(12)).reason, "slot_lost");
    assert_eq!(word(&gone, at(12)), Status::Offline);
}

#[test]
fn sixty_silent_seconds_are_offline() {
    let listed = Facts { registration: seen(30, Registration::Ours), ..all_well() };

    assert_eq!(word(&listed, at(69)), Status::Protected);
    assert_eq!(word(&listed, at(70)), Status::Offline);
}

#[test]
fn the_verdict_says_when_it_must_be_looked_at_again() {
    let verdict = assess(&all_well(), &Limits::default(), at(12));

    assert_eq!(verdict.until, Some(at(56)), "the list of connections is the first to grow too old");
}

#[test]
fn a_dead_token_asks_for_the_person() {
    let facts = Facts { account: Account::Expired, ..all_well() };

    let verdict = assess(&facts, &Limits::default(), at(12));

    assert_eq!((verdict.status, verdict.remedy), (Status::SignedOut, Some(Remedy::SignIn)));
}

#[test]
fn an_outage_in_which_the_record_is_read_says_so_and_is_an_outage_all_the_same() {
    let fetched = Some(Fetched { at: at(20), every: Duration::from_millis(14_200) });
    let waiting = State::Waiting { until: at(40), cause: Cause::Refused };
    let facts = Facts { link: waiting, fetched, ..all_well() };

    let verdict = assess(&facts, &Limits::default(), at(30));
    let stale = assess(&facts, &Limits::default(), at(95));
    let signed_out = assess(&Facts { account: Account::Expired, ..facts }, &Limits::default(), at(30));

    assert_eq!((verdict.status, verdict.reason), (Status::Offline, "refused"));
    assert!(sentence(&verdict).ends_with("every 15 seconds."), "{}", sentence(&verdict));
    assert_eq!((stale.record_every, signed_out.record_every), (None, None));
}

#[test]
fn every_cause_has_a_sentence() {
    let proxy = visionguard_proto::Place::new("proxy.example:3128");
    for cause in [
        Cause::Silent,
        Cause::TimedOut,
        Cause::Refused,
        Cause::NameUnknown,
        Cause::NoRoute,
        Cause::Lost,
        Cause::Stalled,
        Cause::Garbled,
        Cause::TooLarge,
        Cause::Closed(1000),
        Cause::Closed(1012),
        Cause::Http { status: 500, retry_after: None },
        Cause::Http { status: 404, retry_after: None },
        Cause::Intercepted,
        Cause::Tls,
        Cause::TlsWanted,
        Cause::NoTls,
        Cause::CertificateWanted,
        Cause::PasswordWanted,
        Cause::TurnedAway(403),
        Cause::Gateway { status: 502, retry_after: None },
        Cause::TooLong,
        Cause::Unanswered,
        Cause::ProxyUnreachable(proxy),
        Cause::ProxyRefused { proxy, status: Some(403) },
        Cause::Behind,
        Cause::Downgraded,
        Cause::TokenRejected,
        Cause::AddressRejected,
        Cause::Asked,
    ] {
        let verdict = after(cause);

        assert_ne!(sentence(&verdict), verdict.sentence, "{cause:?} is not in the words");
    }
}

#[test]
fn case_34_this_computer_s_proxy_is_named_in_the_status() {
    let proxy = visionguard_proto::Place::new("proxy.shop.example:3128");
    let cause = Cause::ProxyRefused { proxy, status: Some(403) };

    let said = sentence(&after(cause));

    assert!(said.contains("proxy.shop.example:3128") && said.contains("403"), "{said}");
}

#[test]
fn case_33_a_server_that_is_down_behind_its_proxy_is_not_said_to_be_busy() {
    let verdict = after(Cause::Gateway { status: 503, retry_after: None });

    assert_eq!(verdict.reason, "gateway");
    assert!(sentence(&verdict).starts_with("The proxy in front of the server answers, the server does not"));
}

/// What may happen to the evidence, in any order and at any time.
#[derive(Debug, Clone)]
enum Happening {
    Opened,
    Heard,
    Closed,
    Listed(Registration),
    Compared(Record),
    Undelivered,
    Delivered,
    Fetched,
    Drilled(Option<Failure>),
    Account(Account),
}

proptest! {
    /// The test keeps its own diary and looks the three conditions up in it, instead of asking the facts.
    #[test]
    fn protected_is_never_said_on_evidence_that_is_missing_or_too_old(
        happenings in proptest::collection::vec((0u64..90, happening()), 1..60)
    ) {
        let limits = Limits::default();
        let mut facts = Facts {
            account: Account::SignedIn,
            link: State::Offline,
            registration: None,
            record: None,
            undelivered: None,
            by_record: None,
            fetched: None,
            drill: None,
        };
        let mut diary: Vec<(u64, Happening)> = Vec::new();
        let mut now = 1;

        for (pause, happening) in happenings {
            for second in now..=now + pause {
                if word(&facts, at(second)) == Status::Protected {
                    prop_assert!(evident(&diary, second, &limits), "at {second} s with {diary:?}");
                }
            }
            now += pause;
            apply(&mut facts, &happening, now);
            diary.push((now, happening));
        }
    }
}

fn evident(diary: &[(u64, Happening)], now: u64, limits: &Limits) -> bool {
    let last = |wanted: fn(&Happening) -> bool| diary.iter().rev().find(|(_, what)| wanted(what));
    let Some((opened, Happening::Opened)) =
        last(|what| matches!(what, Happening::Opened | Happening::Closed))
    else {
        return false;
    };
    let within = |at: u64, limit: Duration| at >= *opened && now - at < limit.as_secs();
    let heard = diary
        .iter()
        .rev()
        .find(|(at, what)| at >= opened && matches!(what, Happening::Heard | Happening::Opened))
        .is_some_and(|(at, _)| within(*at, limits.heard));
    let listed = matches!(
        last(|what| matches!(what, Happening::Listed(_))),
        Some((at, Happening::Listed(Registration::Ours))) if within(*at, limits.registration)
    );
    let compared = matches!(
        last(|what| matches!(what, Happening::Compared(_))),
        Some((at, Happening::Compared(Record::Complete))) if within(*at, limits.record)
    );
    let delivered = !matches!(
        last(|what| matches!(what, Happening::Undelivered | Happening::Delivered)),
        Some((at, Happening::Undelivered)) if at >= opened
    );
    let signed_in = last(|what| matches!(what, Happening::Account(_)))
        .is_none_or(|(_, what)| matches!(what, Happening::Account(Account::SignedIn)));
    let drilled =
        !matches!(last(|what| matches!(what, Happening::Drilled(_))), Some((_, Happening::Drilled(Some(_)))));
    heard && listed && compared && delivered && drilled && signed_in
}

fn apply(facts: &mut Facts, happening: &Happening, now: u64) {
    match happening {
        Happening::Opened => facts.link = online(now, now),
        Happening::Heard => {
            if let State::Online { since, ping_at, .. } = facts.link {
                facts.link = State::Online { since, heard_at: at(now), ping_at };
            }
        }
        Happening::Closed => facts.link = State::Waiting { until: at(now + 1), cause: Cause::Lost },
        Happening::Listed(registration) => facts.registration = seen(now, *registration),
        Happening::Compared(record) => facts.record = seen(now, *record),
        Happening::Undelivered => facts.undelivered = Some(at(now)),
        Happening::Delivered => facts.undelivered = None,
        Happening::Fetched => {
            facts.fetched = Some(Fetched { at: at(now), every: Duration::from_secs(15) });
        }
        Happening::Drilled(failure) => facts.drill = *failure,
        Happening::Account(account) => facts.account = *account,
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Opened),
        4 => Just(Happening::Heard),
        1 => Just(Happening::Closed),
        4 => Just(Happening::Listed(Registration::Ours)),
        1 => prop_oneof![
            Just(Registration::Lost),
            Just(Registration::Taken),
            Just(Registration::Untold)
        ].prop_map(Happening::Listed),
        4 => Just(Happening::Compared(Record::Complete)),
        1 => Just(Happening::Compared(Record::Unread)),
        1 => Just(Happening::Undelivered),
        2 => Just(Happening::Delivered),
        1 => Just(Happening::Fetched),
        2 => Just(Happening::Drilled(None)),
        1 => prop_oneof![
            Just(Failure::NotTaken),
            Just(Failure::NotDelivered),
            Just(Failure::NotHeard),
            Just(Failure::NotStored),
            Just(Failure::NotShown)
        ].prop_map(|failure| Happening::Drilled(Some(failure))),
        1 => prop_oneof![3 => Just(Account::SignedIn), 1 => Just(Account::Expired)]
            .prop_map(Happening::Account),
    ]
}

fn word(facts: &Facts, now: Moment) -> Status {
    assess(facts, &Limits::default(), now).status
}

fn all_well() -> Facts {
    Facts {
        account: Account::SignedIn,
        link: online(10, 10),
        registration: seen(11, Registration::Ours),
        record: seen(11, Record::Complete),
        undelivered: None,
        by_record: None,
        fetched: None,
        drill: None,
    }
}

fn by_record(share: Share) -> Option<ByRecord> {
    Some(ByRecord { share, every: Duration::from_millis(14_500) })
}

fn online(since: u64, heard: u64) -> State {
    State::Online { since: at(since), heard_at: at(heard), ping_at: at(heard + 30) }
}

fn seen<T>(when: u64, what: T) -> Option<Seen<T>> {
    Some(Seen { at: at(when), what })
}

fn at(seconds: u64) -> Moment {
    Moment::from_start(Duration::from_secs(seconds))
}
