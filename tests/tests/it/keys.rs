//! Keys: from the keychain or the environment into calls that bring none, and never anywhere else. Against a real
//! Secret Service in a session of the test's own.

use tests::{SECRETS, Session};

#[tokio::test]
async fn a_session_has_a_keyring_that_locks_and_unlocks() {
    let session = Session::with_keyring("open sesame").await;
    assert_eq!(session.keyring_locked().await, Some(false));
    session.lock_keyring().await;
    session.unlock_keyring("open sesame").await;
    assert_eq!(session.keyring_items(&[("service", "llmflow")]).await, 0);
    let bare = Session::start().await;
    assert!(!bare.has(SECRETS).await);
    let _silent = bare.hold_silently(SECRETS).await;
    assert!(bare.has(SECRETS).await);
}
