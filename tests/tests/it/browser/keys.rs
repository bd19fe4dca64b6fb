//! The Providers page against a real keychain, and against none: what it shows of a key and what it never shows.

use api::{KeyOrigin, KeychainState};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use tests::{App, Mock, Session, Setup, wait_until};

use super::controls::{click_in, field, fill, gone, open};
use super::{click, computed, expect_dashboard, reads};
use crate::keys::{KEY, keychain_is, living_in, provider};

/// Everything the page holds, what stands in its fields included.
async fn held(page: &Client) -> String {
    let script = "return document.documentElement.outerHTML + JSON.stringify(localStorage) + location.href + \
        Array.from(document.querySelectorAll('input, textarea'), field => field.value).join()";
    computed(page, script).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_key_is_kept_and_never_shown_again() {
    let (mock, session) = (Mock::start().await, Session::with_keyring("open sesame").await);
    let app = living_in(&session, Setup::new(mock.address())).start().await;
    expect_dashboard(&app).await;
    keychain_is(&app, KeychainState::Ready).await;
    let browser = open(&app, "/providers?provider=openai").await;
    let page = &browser.page;
    reads(page, "keychain-state", "kept in this system's keychain").await;
    fill(page, "key-input", KEY).await;
    click(page, "key-test").await;
    reads(page, "key-result", "the key typed").await;
    click(page, "key-save").await;
    reads(page, "key-saved", "Kept in the keychain").await;
    reads(page, "provider-pane", "····cdef").await;
    assert!(!held(page).await.contains("CaNaRy"), "a key is gone from the page once it is kept");
    let providers = app.providers().await;
    assert!(
        matches!(&provider(&providers, "openai").key, KeyOrigin::Keychain { hint, .. } if hint == "cdef")
    );

    page.refresh().await.unwrap();
    reads(page, "provider-pane", "····cdef").await;
    click(page, "key-remove").await;
    click_in(page, "provider-pane", "confirm").await;
    reads(page, "provider-pane", "clients bring their own").await;
    assert_eq!(provider(&app.providers().await, "openai").key, KeyOrigin::None);
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn without_a_keychain_the_page_says_what_works_instead() {
    let mock = Mock::start().await;
    let app =
        Setup::new(mock.address()).variable("OPENAI_API_KEY", "sk-environment-0123456789").start().await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/providers").await;
    let page = &browser.page;
    reads(page, "keychain-state", "Keys cannot be kept").await;
    reads(page, "providers-table", "OPENAI_API_KEY").await;
    // By keyboard: the first provider, then the next one.
    let body = page.find(Locator::Css("body")).await.unwrap();
    body.send_keys("jj").await.unwrap();
    reads(page, "provider-pane", "Anthropic").await;
    reads(page, "key-not-stored", "not kept").await;
    fill(page, "key-input", "sk-ant-typed-in-vain").await;
    assert!(field(page, "key-save").await.attr("disabled").await.unwrap().is_some());
    field(page, "key-input").await.send_keys(&Key::Escape.to_string()).await.unwrap();
    body.send_keys(&Key::Escape.to_string()).await.unwrap();
    gone(page, "provider-pane").await;
    browser.finish().await;
}

#[tokio::test]
#[ignore = "needs the dashboard in the binary and a browser: cargo xtask test"]
async fn a_local_key_is_made_used_by_connect_and_taken_back() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    expect_dashboard(&app).await;
    let browser = open(&app, "/providers").await;
    let page = &browser.page;
    fill(page, "local-key-name", "<b>aider</b>").await;
    reads(page, "local-keys", "Letters, digits").await;
    click(page, "add-local-key-aider").await;
    reads(page, "local-key-row", "Aider").await;
    let hint = app.providers().await.local_keys.remove(0).hint;
    reads(page, "local-key-row", &format!("lf-····{hint}")).await;
    reads(page, "copy-it-now", "not shown again").await;
    assert!(!held(page).await.contains("lf-aider-"), "only copying gives the whole key");

    // What was made here can be used here.
    click(page, "tab-connect").await;
    click_in(page, "connect-aider", "with-local-key").await;
    reads(page, "connect-aider", "lf-aider-").await;
    reads(page, "connect-aider", &hint).await;
    gone(page, "key-is-blank").await;
    // A page that is loaded anew does not get it again.
    page.refresh().await.unwrap();
    click_in(page, "connect-aider", "with-local-key").await;
    reads(page, "key-is-blank", "Put the local key in its place").await;
    reads(page, "connect-aider", "lf-aider-PASTE-YOUR-KEY").await;
    page.goto(&format!("http://localhost:{}/providers", app.dashboard.port())).await.unwrap();
    click(page, "remove-local-key").await;
    click_in(page, "local-keys", "confirm").await;
    gone(page, "local-key-row").await;
    wait_until("no local key", async || app.providers().await.local_keys.is_empty().then_some(())).await;
    browser.finish().await;
}
