use super::*;

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
