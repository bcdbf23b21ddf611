use super::*;
use crate::session_file;

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
