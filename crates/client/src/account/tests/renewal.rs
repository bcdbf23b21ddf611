use super::*;

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_who_ask_at_the_same_time() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();

    let question = Cause::Http { status: 401, retry_after: None };
    let answers = tokio::join!(ask(&world.account, question), ask(&world.account, question));

    for answer in [answers.0, answers.1] {
        let Answer::Connect(target) = answer else { panic!("it was not renewed: {answer:?}") };
        assert_eq!(subject_and_number(&target), "u1 renewed");
    }
    assert_eq!(asked(&server, "/auth/refresh"), 1);
    let Restored::SignedIn(_) = world.restart().restore().await else { panic!("the renewed token is lost") };
}

#[tokio::test]
async fn a_renewed_token_that_is_refused_too_is_not_renewed_again() {
    let server = backend(Backend { refresh: Refresh::Works, me: 401 }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();
    let question = Cause::Closed(1008);

    assert!(matches!(ask(&world.account, question).await, Answer::Connect(_)));

    assert!(matches!(ask(&world.account, question).await, Answer::Rejected(Cause::TokenRejected)));
    assert_eq!(asked(&server, "/auth/refresh"), 1);
}

#[tokio::test]
async fn a_server_without_refresh_is_asked_for_it_once() {
    let server = backend(Backend { me: 401, ..Backend::default() }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();

    for _ in 0..3 {
        let answer = ask(&world.account, FORBIDDEN).await;
        assert!(matches!(answer, Answer::Rejected(Cause::TokenRejected)), "{answer:?}");
    }

    assert_eq!(asked(&server, "/auth/refresh"), 1);
}

#[tokio::test]
async fn a_403_with_a_good_token_means_a_wrong_address_and_renews_nothing() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();

    let answer = ask(&world.account, FORBIDDEN).await;

    assert!(matches!(answer, Answer::Rejected(Cause::AddressRejected)), "{answer:?}");
    assert_eq!(asked(&server, "/auth/refresh"), 0);
}

#[tokio::test]
async fn a_refused_token_that_was_renewed_meanwhile_says_nothing_of_the_address() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();
    let refused = world.account.target().unwrap();
    assert!(matches!(ask(&world.account, UNAUTHORIZED).await, Answer::Connect(_)));

    let answer = world.account.answer(FORBIDDEN, &refused).await;

    let Answer::Connect(target) = answer else { panic!("the renewed token is not tried: {answer:?}") };
    assert_eq!(subject_and_number(&target), "u1 renewed");
    assert_eq!(asked(&server, "/auth/me"), 0);
}

#[tokio::test]
async fn trouble_on_the_way_is_never_taken_for_a_dead_token() {
    for me in [500, 503, 429, 302, 0] {
        let server = backend(Backend { me, ..Backend::default() }).await;
        let world = World::new();
        world.sign_in(&server).await.unwrap();

        let Answer::Rejected(cause) = ask(&world.account, FORBIDDEN).await else { panic!("a new token") };

        assert!(!matches!(cause, Cause::TokenRejected | Cause::AddressRejected), "{me} gave {cause:?}");
    }
    for refresh in [Refresh::Fails(500), Refresh::HangsUp] {
        let server = backend(Backend { refresh, me: 401 }).await;
        let world = World::new();
        world.sign_in(&server).await.unwrap();

        let Answer::Rejected(cause) = ask(&world.account, FORBIDDEN).await else { panic!("a new token") };

        assert_ne!(cause, Cause::TokenRejected);
    }
}

#[tokio::test]
async fn a_stranger_on_the_way_cannot_sign_anybody_out() {
    for reply in [
        answer(401, &[("content-type", "text/html")], "<html>Log in to the proxy</html>"),
        json(401, "{}"),
        json(401, "[]"),
        answer(404, &[("content-type", "text/html")], "<html>Not here</html>"),
        json(200, "{}"),
    ] {
        let is_strange = Arc::new(AtomicBool::new(true));
        let server = strange_until_told(reply.clone(), Arc::clone(&is_strange)).await;
        let world = World::new();
        world.sign_in(&server).await.unwrap();

        for question in [FORBIDDEN, Cause::Http { status: 401, retry_after: None }] {
            let answer = ask(&world.account, question).await;
            let Answer::Rejected(cause) = answer else { panic!("a new token") };
            assert_ne!(cause, Cause::TokenRejected, "{question:?} {reply:?}");
        }

        is_strange.store(false, Ordering::SeqCst);
        let answer = ask(&world.account, Cause::Http { status: 401, retry_after: None }).await;
        assert!(matches!(answer, Answer::Connect(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_dead_refresh_token_means_a_sign_in() {
    for status in [400, 401, 403, 422] {
        let server = backend(Backend { refresh: Refresh::Fails(status), me: 401 }).await;
        let world = World::new();
        world.sign_in(&server).await.unwrap();

        let answer = ask(&world.account, Cause::Http { status: 401, retry_after: None }).await;

        assert!(matches!(answer, Answer::Rejected(Cause::TokenRejected)), "{status} gave {answer:?}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_shortly_before_it_ends() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();
    assert!(world.account.refresh_if_due().await.unwrap().is_none());

    world.clock.sleep(Duration::from_secs(3600 - 9 * 60 - 10));
    assert!(world.account.refresh_if_due().await.unwrap().is_none());
    world.clock.sleep(Duration::from_secs(3 * 60 + 20));
    let target = world.account.refresh_if_due().await.unwrap().unwrap();

    assert_eq!(subject_and_number(&target), "u1 renewed");
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_does_not_matter() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let world = World::new();
    world.clock.set_wall(now() + Duration::from_secs(24 * 3600));
    world.sign_in(&server).await.unwrap();

    assert!(world.account.refresh_if_due().await.unwrap().is_none());
    world.clock.set_wall(now() - Duration::from_secs(24 * 3600));
    world.clock.sleep(Duration::from_secs(3500));

    assert!(world.account.refresh_if_due().await.unwrap().is_some());
}

#[tokio::test]
async fn after_a_restart_the_server_is_asked_for_its_time_once() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();
    world.clock.set_wall(now() + Duration::from_secs(24 * 3600));
    let later = world.restart();
    later.restore().await;

    for _ in 0..3 {
        assert!(
            later.refresh_if_due().await.unwrap().is_none(),
            "the server's clock says that there is time"
        );
    }

    assert_eq!(asked(&server, "/health"), 1);
}

#[tokio::test]
async fn a_refresh_that_hangs_holds_up_nobody_once_it_is_given_up() {
    let hangs = Arc::new(AtomicBool::new(true));
    let server = hanging(Arc::clone(&hangs)).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();

    let hung = tokio::time::timeout(Duration::from_millis(300), ask(&world.account, UNAUTHORIZED)).await;
    let meanwhile = subject_and_number(&world.account.target().unwrap());
    hangs.store(false, Ordering::SeqCst);
    let answer = ask(&world.account, UNAUTHORIZED).await;

    assert!(hung.is_err(), "it was answered");
    assert_eq!(meanwhile, "u1 first", "the session is as it was");
    let Answer::Connect(target) = answer else { panic!("it was not renewed: {answer:?}") };
    assert_eq!(subject_and_number(&target), "u1 renewed");
}

/// The program ends between the server's answer and the keychain: what is stored is the pair from before.
#[tokio::test]
async fn who_is_killed_while_the_token_rotates_is_signed_in_or_asked_and_nothing_is_torn() {
    for (old_one_still_works, expected) in [(true, "a new token"), (false, "asked")] {
        let server = rotating(old_one_still_works).await;
        let keychain = Arc::new(BrokenKeychain::default());
        keychain.works.store(true, Ordering::SeqCst);
        let world = World::with(keychain.clone());
        world.sign_in(&server).await.unwrap();
        keychain.is_slow.store(true, Ordering::SeqCst);

        let storing = async {
            let _ = ask(&world.account, UNAUTHORIZED).await;
        };
        let answered = async {
            while asked(&server, "/auth/refresh") == 0
                || subject_and_number(&world.account.target().unwrap()) == "u1 first"
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = storing => panic!("it was stored"),
            () = answered => {}
        }
        keychain.is_slow.store(false, Ordering::SeqCst);
        let later = world.restart();
        let Restored::SignedIn(_) = later.restore().await else { panic!("nobody is signed in") };
        let found = subject_and_number(&later.target().unwrap());
        let answer = ask(&later, UNAUTHORIZED).await;

        assert_eq!(found, "u1 first");
        match answer {
            Answer::Connect(_) => assert_eq!(expected, "a new token"),
            Answer::Rejected(cause) => assert_eq!((cause, expected), (Cause::TokenRejected, "asked")),
        }
    }
}

#[tokio::test]
async fn half_of_a_renewed_pair_is_enough_to_go_on() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let keychain = Arc::new(BrokenKeychain::default());
    keychain.works.store(true, Ordering::SeqCst);
    let world = World::with(keychain.clone());
    world.sign_in(&server).await.unwrap();

    keychain.writes_left.store(1, Ordering::SeqCst);
    ask(&world.account, UNAUTHORIZED).await;
    keychain.writes_left.store(usize::MAX, Ordering::SeqCst);
    let later = world.restart();
    later.restore().await;
    ask(&later, UNAUTHORIZED).await;

    let used: Vec<_> =
        server.requests().into_iter().filter(|request| request.path == "/auth/refresh").collect();
    assert_eq!(used[1].json()["refresh_token"], "refresh-2", "the spent one is not used again");
}
