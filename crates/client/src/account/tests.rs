use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::clock::TestClock;
use crate::keychain::MemoryKeychain;
use crate::testing::{Reply, Request, TinyServer, answer, json, tls};

#[tokio::test]
async fn who_signs_in_is_found_again_at_the_next_start() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    let session = world.sign_in(&server).await.unwrap();

    let later = world.restart();

    let Restored::SignedIn(found) = later.restore().await else { panic!("nobody was found") };
    assert_eq!(found, session);
    assert_eq!(found.email, "Shop@example.com");
    assert!(!found.insecure, "this machine is private");
    assert_eq!(
        later.target().unwrap().token.expose_secret(),
        world.account.target().unwrap().token.expose_secret()
    );
}

#[tokio::test]
async fn only_blanks_are_taken_off_the_email() {
    let server = backend(Backend::default()).await;

    World::new().account.sign_in(&server.url(), "  Shop@example.com ", &"pw".into(), false).await.unwrap();

    assert_eq!(server.requests()[0].json()["email"], "Shop@example.com");
}

#[tokio::test]
async fn each_mistake_at_sign_in_has_its_own_sentence_and_field() {
    let world = World::new();
    let server = backend(Backend::default()).await;
    let portal = TinyServer::start(|_| answer(302, &[("location", "http://portal/")], "")).await;
    let other = TinyServer::start(|_| json(404, "{}")).await;
    let closed = format!("http://127.0.0.1:{}", crate::testing::closed_port().await);

    for (url, email, password, code, field) in [
        ("", "a@b.c", "pw", "wrong_address", Some("server")),
        ("ftp://x", "a@b.c", "pw", "wrong_address", Some("server")),
        ("http://me:pw@x", "a@b.c", "pw", "wrong_address", Some("server")),
        (&server.url(), " ", "pw", "invalid", Some("email")),
        (&server.url(), "a@b.c", "", "invalid", Some("password")),
        (&server.url(), "a@b.c", "wrong", "wrong_password", Some("password")),
        (&portal.url(), "a@b.c", "pw", "portal", None),
        (&other.url(), "a@b.c", "pw", "wrong_address", Some("server")),
        (&closed, "a@b.c", "pw", "unreachable", None),
        ("http://shop.invalid", "a@b.c", "pw", "wrong_address", Some("server")),
    ] {
        let problem = world.account.sign_in(url, email, &password.into(), false).await.unwrap_err();

        assert_eq!(
            (problem.code.as_str(), problem.field.as_deref()),
            (code, field),
            "{url} {email} {password}"
        );
        assert!(
            problem.sentence.ends_with('.') && !problem.sentence.starts_with("problem."),
            "{}",
            problem.sentence
        );
    }
    assert_eq!(world.account.session(), None);
}

#[tokio::test]
async fn a_failed_sign_in_leaves_the_session_that_was_there() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    let before = world.sign_in(&server).await.unwrap();

    world.account.sign_in(&server.url(), "other@example.com", &"wrong".into(), false).await.unwrap_err();

    assert_eq!(world.account.session(), Some(before));
    assert!(matches!(world.restart().restore().await, Restored::SignedIn(_)));
}

#[tokio::test]
async fn signing_in_with_a_token_asks_whose_it_is() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    let token = || SecretString::from(token("u1", 3600));

    let dead = world.account.sign_in_with_token(&server.url(), "u1", "dead".into()).await.unwrap_err();
    let other = world.account.sign_in_with_token(&server.url(), "u2", token()).await.unwrap_err();
    let session = world.account.sign_in_with_token(&server.url(), "u1", token()).await.unwrap();

    assert_eq!(dead.code, "token_refused");
    assert_eq!(other.code, "other_user");
    assert_eq!(session.name, "Shop");
}

#[tokio::test]
async fn signing_out_leaves_nothing_behind() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    world.sign_in_and_keep(&server).await;

    world.account.sign_out().await.unwrap();

    assert_eq!(world.account.session(), None);
    assert!(world.account.target().is_none() && world.account.api().is_none());
    assert!(matches!(world.restart().restore().await, Restored::Nobody));
    for token in [Secret::Access, Secret::Refresh, Secret::Password] {
        assert!(world.keychain.get(&keychain::entry(token, world.folder.path())).await.unwrap().is_none());
    }
    assert!(server.requests().iter().any(|request| request.path == "/auth/logout"));
}

#[tokio::test]
async fn no_file_of_the_data_directory_holds_a_token() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();

    let text = std::fs::read_to_string(world.folder.path().join("session.json")).unwrap();

    assert!(text.contains("Shop@example.com"));
    assert!(!text.contains("eyJ") && !text.contains("refresh-1"), "{text}");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn without_a_keychain_the_session_lasts_until_the_program_ends() {
    let server = backend(Backend::default()).await;
    let world = World::with(Arc::new(BrokenKeychain::default()));

    let session = world.sign_in(&server).await.unwrap();

    assert_eq!(session.kept_in, Keeping::Memory);
    assert_eq!(world.account.keychain_trouble(), Some(KeychainError::Locked));
    assert!(world.account.target().is_some());
    assert!(matches!(world.restart().restore().await, Restored::Nobody));
}

#[tokio::test]
async fn a_keychain_that_is_unlocked_later_is_given_the_tokens() {
    let server = backend(Backend::default()).await;
    let keychain = Arc::new(BrokenKeychain::default());
    let world = World::with(keychain.clone());
    world.sign_in(&server).await.unwrap();
    assert!(!world.account.store_again().await);

    keychain.works.store(true, Ordering::SeqCst);

    assert!(world.account.store_again().await);
    assert_eq!(world.account.keychain_trouble(), None);
    assert!(matches!(world.restart().restore().await, Restored::SignedIn(_)));
}

#[tokio::test]
async fn what_is_learnt_of_the_server_while_the_tokens_are_stored_is_not_forgotten() {
    let server = backend(Backend::default()).await;
    let keychain = Arc::new(BrokenKeychain::default());
    let world = World::with(keychain.clone());
    world.sign_in(&server).await.unwrap();
    keychain.works.store(true, Ordering::SeqCst);
    keychain.is_slow.store(true, Ordering::SeqCst);

    let (stored, ()) = tokio::join!(world.account.store_again(), async {
        assert!(world.account.speaks_two());
        keychain.is_slow.store(false, Ordering::SeqCst);
    });

    let later = world.restart();
    assert!(matches!(later.restore().await, Restored::SignedIn(_)));
    assert!(stored && later.target().expect("a session").spoke_two);
}

#[tokio::test]
async fn signing_out_while_the_tokens_are_stored_leaves_nothing_behind() {
    let server = backend(Backend::default()).await;
    let keychain = Arc::new(BrokenKeychain::default());
    let world = World::with(keychain.clone());
    world.sign_in(&server).await.unwrap();
    keychain.works.store(true, Ordering::SeqCst);
    keychain.is_slow.store(true, Ordering::SeqCst);

    let (stored, ()) = tokio::join!(world.account.store_again(), async {
        world.account.sign_out().await.unwrap();
        keychain.is_slow.store(false, Ordering::SeqCst);
    });

    assert!(!stored);
    assert!(matches!(world.restart().restore().await, Restored::Nobody));
    for token in [Secret::Access, Secret::Refresh] {
        assert!(keychain.get(&keychain::entry(token, world.folder.path())).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_locked_keychain_at_the_start_is_not_a_sign_out() {
    let server = backend(Backend::default()).await;
    let keychain = Arc::new(BrokenKeychain::default());
    keychain.works.store(true, Ordering::SeqCst);
    let world = World::with(keychain.clone());
    world.sign_in(&server).await.unwrap();
    let later = world.restart();
    keychain.works.store(false, Ordering::SeqCst);

    let Restored::Unreadable(saved, KeychainError::Locked) = later.restore().await else {
        panic!("not locked")
    };
    keychain.works.store(true, Ordering::SeqCst);

    assert_eq!(saved.email, "Shop@example.com");
    assert!(matches!(later.restore().await, Restored::SignedIn(_)));
}

#[tokio::test]
async fn a_refresh_token_that_cannot_be_read_now_is_not_given_up() {
    let server = backend(Backend { refresh: Refresh::Works, ..Backend::default() }).await;
    let keychain = Arc::new(BrokenKeychain::default());
    keychain.works.store(true, Ordering::SeqCst);
    let world = World::with(keychain.clone());
    world.sign_in(&server).await.unwrap();
    let later = world.restart();
    keychain.reads_left.store(1, Ordering::SeqCst);

    let first = later.restore().await;
    keychain.reads_left.store(usize::MAX, Ordering::SeqCst);
    later.restore().await;

    assert!(matches!(first, Restored::Unreadable(_, KeychainError::Locked)), "{first:?}");
    let answer = ask(&later, Cause::Http { status: 401, retry_after: None }).await;
    assert!(matches!(answer, Answer::Connect(_)), "{answer:?}");
}

#[tokio::test]
async fn a_token_that_is_gone_or_of_another_user_asks_for_a_sign_in() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();
    let entry = keychain::entry(Secret::Access, world.folder.path());

    world.keychain.set(&entry, &token("somebody-else", 3600).into()).await.unwrap();
    assert!(matches!(world.restart().restore().await, Restored::TokenGone(_)));
    world.keychain.set(&entry, &"\u{1}garbage\u{202e}".into()).await.unwrap();
    assert!(matches!(world.restart().restore().await, Restored::TokenGone(_)));
    world.keychain.delete(&entry).await.unwrap();
    assert!(matches!(world.restart().restore().await, Restored::TokenGone(_)));
}

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

#[tokio::test]
async fn a_kept_password_signs_in_again_where_the_server_renews_nothing() {
    let server = signing_in(Login::Accepts).await;
    let world = World::new();
    world.sign_in_and_keep(&server).await;

    let answer = ask(&world.account, FORBIDDEN).await;

    let Answer::Connect(target) = answer else { panic!("nobody signed in: {answer:?}") };
    assert_eq!(subject_and_number(&target), "u1 number-2");
    assert_eq!(logins(&server), 2);
    let Restored::SignedIn(session) = world.restart().restore().await else { panic!("nobody is signed in") };
    assert!(session.password_kept);
}

#[tokio::test]
async fn without_a_kept_password_the_person_is_asked() {
    let server = signing_in(Login::Accepts).await;
    let world = World::new();
    world.sign_in(&server).await.unwrap();

    let answer = ask(&world.account, FORBIDDEN).await;

    assert!(matches!(answer, Answer::Rejected(Cause::TokenRejected)), "{answer:?}");
    assert_eq!((logins(&server), world.password().await), (1, None));
}

#[tokio::test]
async fn a_kept_password_that_is_refused_is_forgotten_and_never_tried_again() {
    for status in [400, 401, 403, 422] {
        let server = signing_in(Login::Refuses(status)).await;
        let world = World::new();
        world.sign_in_and_keep(&server).await;

        for _ in 0..3 {
            let answer = ask(&world.account, FORBIDDEN).await;
            assert!(matches!(answer, Answer::Rejected(Cause::TokenRejected)), "{answer:?}");
            world.clock.sleep(Duration::from_secs(3600));
        }

        assert_eq!((logins(&server), world.password().await), (2, None), "{status}");
        assert!(!world.account.session().unwrap().password_kept);
        let saved = session_file::load(world.folder.path()).unwrap();
        assert!(!saved.password_kept);
    }
}

#[tokio::test]
async fn a_password_that_the_server_takes_is_used_once_a_quarter_of_an_hour() {
    let server = signing_in(Login::Accepts).await;
    let world = World::new();
    world.sign_in_and_keep(&server).await;

    let mut tried = vec![];
    for minutes in [0, 1, 13, 1] {
        world.clock.sleep(Duration::from_secs(minutes * 60));
        let answer = ask(&world.account, FORBIDDEN).await;
        tried.push((matches!(answer, Answer::Connect(_)), logins(&server)));
    }

    assert_eq!(tried, [(true, 2), (false, 2), (false, 2), (true, 3)]);
}

#[tokio::test]
async fn trouble_on_the_way_is_never_taken_for_a_wrong_password() {
    for login in [Login::Fails(500), Login::Fails(429), Login::Fails(302), Login::HangsUp, Login::Strange] {
        let server = signing_in(login).await;
        let world = World::new();
        world.sign_in_and_keep(&server).await;

        let Answer::Rejected(cause) = ask(&world.account, FORBIDDEN).await else { panic!("a new token") };
        let Answer::Rejected(again) = ask(&world.account, FORBIDDEN).await else { panic!("a new token") };

        assert!(!matches!(cause, Cause::TokenRejected), "{login:?} gave {cause:?}");
        assert_eq!((again, logins(&server)), (cause, 2), "{login:?}: not at once");
        assert_eq!(world.password().await.as_deref(), Some("right"));
        world.clock.sleep(Duration::from_secs(600));
        ask(&world.account, FORBIDDEN).await;
        assert_eq!(logins(&server), 3, "{login:?}: but later");
    }
}

#[tokio::test]
async fn a_token_that_is_gone_at_the_start_is_replaced_with_the_kept_password() {
    let server = signing_in(Login::Accepts).await;
    let world = World::new();
    world.sign_in_and_keep(&server).await;
    world.keychain.delete(&keychain::entry(Secret::Access, world.folder.path())).await.unwrap();

    let later = world.restart();
    let restored = later.restore().await;

    assert!(matches!(restored, Restored::SignedIn(_)), "{restored:?}");
    assert_eq!(subject_and_number(&later.target().unwrap()), "u1 number-2");
    assert!(matches!(world.restart().restore().await, Restored::SignedIn(_)), "it is stored");
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn somebody_else_s_tokens_are_not_taken_for_the_kept_password() {
    let server = signing_in(Login::SomebodyElse).await;
    let world = World::new();
    world.sign_in_and_keep(&server).await;

    let answer = ask(&world.account, FORBIDDEN).await;

    assert!(matches!(answer, Answer::Rejected(Cause::TokenRejected)), "{answer:?}");
    assert_eq!(world.password().await, None);
}

#[tokio::test]
async fn the_next_sign_in_without_keeping_takes_the_password_out_of_the_keychain() {
    let server = backend(Backend::default()).await;
    let world = World::new();
    world.sign_in_and_keep(&server).await;
    let before = world.password().await;

    let session = world.sign_in(&server).await.unwrap();

    assert_eq!((before.as_deref(), world.password().await), (Some("right"), None));
    assert!(!session.password_kept);
}

#[tokio::test]
async fn a_keychain_that_does_not_take_the_password_keeps_the_session_all_the_same() {
    let server = backend(Backend::default()).await;
    let keychain = Arc::new(BrokenKeychain::default());
    keychain.works.store(true, Ordering::SeqCst);
    keychain.writes_left.store(2, Ordering::SeqCst);
    let world = World::with(keychain);

    let session =
        world.account.sign_in(&server.url(), "Shop@example.com", &"right".into(), true).await.unwrap();

    assert_eq!((session.kept_in, session.password_kept), (Keeping::Keychain, false));
}

const UNAUTHORIZED: Cause = Cause::Http { status: 401, retry_after: None };
const FORBIDDEN: Cause = Cause::Http { status: 403, retry_after: None };

struct World {
    account: Account,
    keychain: Arc<dyn Keychain>,
    clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

/// Asks what it means that the server turned the token down that is in use now.
async fn ask(account: &Account, question: Cause) -> Answer {
    let refused = account.target().unwrap();
    account.answer(question, &refused).await
}

impl World {
    fn new() -> World {
        World::with(Arc::new(MemoryKeychain::default()))
    }

    fn with(keychain: Arc<dyn Keychain>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(now()));
        let account = account(&folder, &keychain, &clock);
        World { account, keychain, clock, folder }
    }

    /// The same directory and keychain, another run of the program.
    fn restart(&self) -> Account {
        account(&self.folder, &self.keychain, &self.clock)
    }

    async fn sign_in(&self, server: &TinyServer) -> Result<SessionView, Problem> {
        self.account.sign_in(&server.url(), "Shop@example.com", &"right".into(), false).await
    }

    /// Signs in and has the password kept.
    async fn sign_in_and_keep(&self, server: &TinyServer) {
        let session = self.account.sign_in(&server.url(), "Shop@example.com", &"right".into(), true).await;
        assert!(session.unwrap().password_kept);
    }

    async fn password(&self) -> Option<String> {
        let kept = self.keychain.get(&keychain::entry(Secret::Password, self.folder.path())).await.unwrap();
        kept.map(|password| password.expose_secret().to_owned())
    }
}

fn account(folder: &tempfile::TempDir, keychain: &Arc<dyn Keychain>, clock: &Arc<TestClock>) -> Account {
    let http = Http::new(&tls()).unwrap();
    Account::new(folder.path().to_owned(), Arc::clone(keychain), http, clock.clone())
}

/// How the server's account half behaves.
#[derive(Debug, Clone, Copy)]
struct Backend {
    refresh: Refresh,
    /// The status of `/auth/me` for a token of ours; 0 hangs up.
    me: u16,
}

#[derive(Debug, Clone, Copy)]
enum Refresh {
    Missing,
    Works,
    Fails(u16),
    HangsUp,
}

impl Default for Backend {
    fn default() -> Backend {
        Backend { refresh: Refresh::Missing, me: 200 }
    }
}

async fn backend(backend: Backend) -> TinyServer {
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        "/auth/me" => me(request, backend.me),
        "/auth/refresh" => match backend.refresh {
            Refresh::Missing => json(404, r#"{"message":"The requested endpoint does not exist"}"#),
            Refresh::Works => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
            Refresh::Fails(status) => json(status, r#"{"detail":"no"}"#),
            Refresh::HangsUp => Reply::HangUp,
        },
        "/health" => dated(200, "{}"),
        _ => json(200, "{}"),
    })
    .await
}

/// What becomes of the second sign-in and those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    Accepts,
    Refuses(u16),
    Fails(u16),
    HangsUp,
    /// Something that is not the server answers 401.
    Strange,
    SomebodyElse,
}

/// A server that renews nothing and takes no token; tokens are numbered by the sign-in.
async fn signing_in(login: Login) -> TinyServer {
    let count = AtomicUsize::new(0);
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let accepted = |user: &str| {
                let access = token_named(user, 3600, &format!("number-{number}"));
                dated(
                    200,
                    &tokens(&access, "refresh").replace("\"id\":\"u1\"", &format!("\"id\":\"{user}\"")),
                )
            };
            match login {
                _ if number == 1 => accepted("u1"),
                Login::Accepts => accepted("u1"),
                Login::SomebodyElse => accepted("u2"),
                Login::Refuses(status) => json(status, r#"{"detail":"Invalid credentials"}"#),
                Login::Fails(302) => answer(302, &[("location", "http://portal/")], ""),
                Login::Fails(status) => json(status, r#"{"detail":"no"}"#),
                Login::HangsUp => Reply::HangUp,
                Login::Strange => {
                    answer(401, &[("content-type", "text/html")], "<html>Log in to the proxy</html>")
                }
            }
        }
        "/auth/me" => json(401, r#"{"detail":"Invalid or expired token"}"#),
        _ => json(404, r#"{"message":"The requested endpoint does not exist"}"#),
    })
    .await
}

fn logins(server: &TinyServer) -> usize {
    asked(server, "/auth/login")
}

/// Refreshes hang until they do not.
async fn hanging(hangs: Arc<AtomicBool>) -> TinyServer {
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        "/auth/refresh" if hangs.load(Ordering::SeqCst) => Reply::Hang,
        "/auth/refresh" => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
        _ => json(401, r#"{"detail":"Invalid or expired token"}"#),
    })
    .await
}

/// A refresh token is good once, or for a while longer.
async fn rotating(old_one_still_works: bool) -> TinyServer {
    let used = AtomicBool::new(false);
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        "/auth/refresh" if used.swap(true, Ordering::SeqCst) && !old_one_still_works => {
            json(401, r#"{"detail":"Invalid or expired token"}"#)
        }
        "/auth/refresh" => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
        _ => json(401, r#"{"detail":"Invalid or expired token"}"#),
    })
    .await
}

/// Everything but the sign-in is answered by somebody else, for a while.
async fn strange_until_told(reply: Reply, is_strange: Arc<AtomicBool>) -> TinyServer {
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        _ if is_strange.load(Ordering::SeqCst) => reply.clone(),
        "/auth/refresh" => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
        _ => json(404, r#"{"message":"The requested endpoint does not exist"}"#),
    })
    .await
}

fn login(request: &Request) -> Reply {
    match request.json()["password"].as_str() {
        Some("wrong") => json(401, r#"{"detail":"Invalid credentials"}"#),
        _ => dated(200, &tokens(&token("u1", 3600), "refresh-1")),
    }
}

fn me(request: &Request, status: u16) -> Reply {
    let is_ours = request.header("authorization").is_some_and(|value| value.starts_with("Bearer e30."));
    match status {
        200 if is_ours => json(200, r#"{"id":"u1","name":"Shop","email":"Shop@example.com"}"#),
        200 => json(401, r#"{"detail":"Invalid or expired token"}"#),
        0 => Reply::HangUp,
        302 => answer(302, &[("location", "http://portal/")], ""),
        status => json(status, r#"{"detail":"no"}"#),
    }
}

fn tokens(access: &str, refresh: &str) -> String {
    serde_json::json!({
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "user": {"id": "u1", "name": "Shop", "email": "Shop@example.com", "role": "OWNER"},
    })
    .to_string()
}

fn dated(status: u16, body: &str) -> Reply {
    let date = "Sat, 21 Nov 2026 20:00:00 GMT";
    answer(status, &[("content-type", "application/json"), ("date", date)], body)
}

fn now() -> Timestamp {
    "2026-11-21T20:00:00Z".parse().unwrap()
}

fn token(subject: &str, seconds: i64) -> String {
    token_named(subject, seconds, "first")
}

fn token_named(subject: &str, seconds: i64, name: &str) -> String {
    let issued = now().as_second();
    let claims = serde_json::json!({"sub": subject, "iat": issued, "exp": issued + seconds});
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("e30.{claims}.{name}")
}

fn subject_and_number(target: &Target) -> String {
    let name = target.token.expose_secret().rsplit('.').next().unwrap();
    format!("{} {name}", target.user)
}

fn asked(server: &TinyServer, path: &str) -> usize {
    server.requests().iter().filter(|request| request.path == path).count()
}

/// A keychain that is locked until it works.
#[derive(Debug)]
struct BrokenKeychain {
    works: AtomicBool,
    /// It takes nothing until this is over.
    is_slow: AtomicBool,
    /// After this many reads it is locked too.
    reads_left: AtomicUsize,
    /// After this many secrets it takes no more.
    writes_left: AtomicUsize,
    inner: MemoryKeychain,
}

impl Default for BrokenKeychain {
    fn default() -> BrokenKeychain {
        BrokenKeychain {
            works: AtomicBool::new(false),
            is_slow: AtomicBool::new(false),
            reads_left: AtomicUsize::new(usize::MAX),
            writes_left: AtomicUsize::new(usize::MAX),
            inner: MemoryKeychain::default(),
        }
    }
}

impl BrokenKeychain {
    fn check(&self) -> Result<(), KeychainError> {
        if self.works.load(Ordering::SeqCst) { Ok(()) } else { Err(KeychainError::Locked) }
    }
}

impl Keychain for BrokenKeychain {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        async move {
            self.check()?;
            let fewer = |left: usize| left.checked_sub(1);
            let left = self.reads_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
            left.map_err(|_| KeychainError::Locked)?;
            self.inner.get(entry).await
        }
        .boxed()
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        async move {
            self.check()?;
            while self.is_slow.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            let fewer = |left: usize| left.checked_sub(1);
            let left = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
            left.map_err(|_| KeychainError::TooLong)?;
            self.inner.set(entry, secret).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        async move {
            self.check()?;
            self.inner.delete(entry).await
        }
        .boxed()
    }

    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }
}
