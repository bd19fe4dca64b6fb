//! The keychain unlocked, locked, absent and silent: calls go on in every case, and a person learns what to do.

use api::{ErrorKind, Reply};
use tests::SECRETS;

use super::*;

const PASSWORD: &str = "open sesame";

#[tokio::test]
async fn a_session_has_a_keyring_that_locks_and_unlocks() {
    let session = Session::with_keyring(PASSWORD).await;
    session.lock_keyring().await;
    session.unlock_keyring(PASSWORD).await;
    assert_eq!(session.keyring_items(&[("service", "llmflow")]).await, 0);
    assert!(!Session::start().await.has(SECRETS).await, "sessions have nothing in common");
}

#[tokio::test]
async fn a_key_is_stored_lent_kept_over_a_restart_and_removed() {
    let (mock, session) = (Mock::start().await, Session::with_keyring(PASSWORD).await);
    let app = living_in(&session, Setup::new(mock.address())).start().await;
    let before = keychain_is(&app, KeychainState::Ready).await;
    assert_eq!(provider(&before, "openai").key, KeyOrigin::None);
    assert_eq!(provider(&before, "ollama").key, KeyOrigin::NotNeeded);
    let Reply::Providers(after) = app.ask(&set_key("openai", &format!("  {KEY}\n"))).await else { panic!() };
    let KeyOrigin::Keychain { hint, mark } = &provider(&after, "openai").key else { panic!("{after:?}") };
    assert_eq!(hint, "cdef");
    let ours = [("service", "llmflow"), ("username", "openai")];
    assert_eq!(session.keyring_items(&ours).await, 1, "where other programs find it");

    let finished = app.stop();
    let app = finished.setup.start().await;
    keychain_is(&app, KeychainState::Ready).await;
    let (_, received) = call(&app, &mock, "/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization").as_deref(), Some(&*format!("Bearer {KEY}")));
    let recorded = app.call(app.recorded(1).await[0].id).await;
    assert_eq!(recorded.credential.as_ref(), Some(mark), "the same fingerprint as on the page");
    assert!(recorded.request_headers.iter().all(|header| header.name != "authorization"), "not the client's");

    let Reply::Providers(after) = app.ask(&Request::RemoveKey { provider: "openai".into() }).await else {
        panic!()
    };
    assert_eq!(provider(&after, "openai").key, KeyOrigin::None);
    assert_eq!(provider(&after, "openai").calls, 1);
    assert_eq!(session.keyring_items(&ours).await, 0);
    let (_, received) = call(&app, &mock, "/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization"), None);
}

#[tokio::test]
async fn a_locked_keychain_is_a_state_and_unlocking_ends_it() {
    let (mock, session) = (Mock::start().await, Session::with_keyring(PASSWORD).await);
    let app = living_in(&session, Setup::new(mock.address())).start().await;
    keychain_is(&app, KeychainState::Ready).await;
    app.ask(&set_key("openai", KEY)).await;
    app.ask(&set_key("groq", "gsk_kept-0123456789")).await;
    let finished = app.stop();

    session.lock_keyring().await;
    let app = finished.setup.variable("OPENAI_API_KEY", "sk-environment-0123456789").start().await;
    let locked = keychain_is(&app, KeychainState::Locked).await;
    let KeyOrigin::Environment { variable, hint, .. } = &provider(&locked, "openai").key else {
        panic!("{locked:?}")
    };
    assert_eq!((variable.as_str(), hint.as_str()), ("OPENAI_API_KEY", "6789"));
    let (_, received) = call(&app, &mock, "/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization").as_deref(), Some("Bearer sk-environment-0123456789"));
    let (_, received) = call(&app, &mock, "/groq/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization"), None, "calls go on without a key");
    let refused = app.try_ask(&set_key("groq", "gsk_other-0123456789")).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(refused.error.contains("locked") && refused.error.contains("GROQ_API_KEY"), "{}", refused.error);
    // Nobody is there to type the password.
    let refused = app.try_ask(&Request::UnlockKeychain).await.unwrap_err();
    assert!(refused.error.contains("not unlocked"), "{}", refused.error);

    session.unlock_keyring(PASSWORD).await;
    let Reply::Providers(unlocked) = app.ask(&Request::UnlockKeychain).await else { panic!() };
    assert_eq!(unlocked.keychain, KeychainState::Ready);
    assert!(matches!(provider(&unlocked, "openai").key, KeyOrigin::Keychain { .. }), "it wins");
    let (_, received) = call(&app, &mock, "/groq/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization").as_deref(), Some("Bearer gsk_kept-0123456789"));
    // Locked behind our back: what was read stays in use.
    session.lock_keyring().await;
    let (_, received) = call(&app, &mock, "/groq/v1/chat/completions", "").await;
    assert_eq!(header(&received, "authorization").as_deref(), Some("Bearer gsk_kept-0123456789"));
}

#[tokio::test]
async fn without_a_keychain_the_environment_serves_and_the_remedy_is_named() {
    let mock = Mock::start().await;
    let bare = Session::start().await;
    for address in ["unix:path=/nonexistent/bus", bare.address()] {
        let setup = Setup::new(mock.address())
            .variable("LLMFLOW_KEYCHAIN", "on")
            .variable("DBUS_SESSION_BUS_ADDRESS", address)
            .variable("MISTRAL_API_KEY", "mistral-0123456789");
        let app = setup.start().await;
        let message =
            wait_until("the keychain to be absent", async || match app.providers().await.keychain {
                KeychainState::Absent { message } => Some(message),
                _ => None,
            })
            .await;
        assert!(message.contains("gnome-keyring") && message.contains("environment"), "{address}: {message}");
        let (_, received) = call(&app, &mock, "/mistral/v1/chat/completions", "").await;
        assert_eq!(header(&received, "authorization").as_deref(), Some("Bearer mistral-0123456789"));
        let refused = app.try_ask(&set_key("openai", KEY)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable);
        let refused = app.try_ask(&Request::RemoveKey { provider: "mistral".into() }).await.unwrap_err();
        assert!(refused.error.contains("unset MISTRAL_API_KEY"), "{}", refused.error);
    }
}

#[tokio::test]
async fn a_keychain_that_never_answers_holds_nothing_up() {
    let (mock, session) = (Mock::start().await, Session::start().await);
    let silent = session.hold_silently(SECRETS).await;
    let app = living_in(&session, Setup::new(mock.address())).start().await;
    assert_eq!(app.providers().await.keychain, KeychainState::Asking, "it runs before the keychain answers");
    let (response, _) = call(&app, &mock, "/v1/chat/completions", "").await;
    assert_eq!(response.status(), 200);
    let message =
        wait_until("the keychain to count as silent", async || match app.providers().await.keychain {
            KeychainState::Absent { message } => Some(message),
            _ => None,
        })
        .await;
    assert!(message.contains("does not answer"), "{message}");
    let refused = app.try_ask(&set_key("openai", KEY)).await.unwrap_err();
    assert!(refused.error.contains("does not answer"), "{}", refused.error);
    // It gives up at last: what comes late is still heard.
    silent.close().await.unwrap();
    wait_until("the late answer", async || match app.providers().await.keychain {
        KeychainState::Absent { message } => message.contains("no keychain").then_some(()),
        _ => None,
    })
    .await;
    assert!(app.stop().status.success());
}

#[tokio::test]
async fn keys_that_cannot_be_keys_are_refused() {
    let (mock, session) = (Mock::start().await, Session::with_keyring(PASSWORD).await);
    let app = living_in(&session, Setup::new(mock.address())).start().await;
    keychain_is(&app, KeychainState::Ready).await;
    for key in ["", "  ", "sk-a b", "sk-a\r\nX: y", "sk-ä", "lf-aider-0123"] {
        let refused = app.try_ask(&set_key("openai", key)).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.parameter.as_deref()),
            (ErrorKind::BadRequest, Some("key")),
            "{key:?}"
        );
    }
    let unknown = app.try_ask(&set_key("nobody", KEY)).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotFound);
    let needless = app.try_ask(&set_key("ollama", KEY)).await.unwrap_err();
    assert!(needless.error.contains("takes no key"), "{}", needless.error);
    assert_eq!(session.keyring_items(&[("service", "llmflow")]).await, 0);
}
