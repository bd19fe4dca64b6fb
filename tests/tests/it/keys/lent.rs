//! Lending: each provider's form, everything else byte for byte, and nothing to web pages. And testing a key.

use api::{KeyTest, Reply};
use tests::{Answer, contains, database_cells, files};

use super::*;

/// Provider, target, path at the upstream, and the header that carries the key.
const FORMS: &[(&str, &str, &str)] = &[
    ("/v1/chat/completions", "authorization", "Bearer OPENAI_API_KEY"),
    ("/passthrough/openai/v1/responses", "authorization", "Bearer OPENAI_API_KEY"),
    ("/anthropic/v1/messages", "x-api-key", "ANTHROPIC_API_KEY"),
    ("/passthrough/anthropic/v1/chat/completions", "authorization", "Bearer ANTHROPIC_API_KEY"),
    ("/gemini/v1beta/models/m:generateContent?alt=sse", "x-goog-api-key", "GEMINI_API_KEY"),
    ("/gemini/v1beta/openai/chat/completions", "authorization", "Bearer GEMINI_API_KEY"),
    ("/cohere/v2/chat", "authorization", "Bearer COHERE_API_KEY"),
    ("/groq/v1/chat/completions", "authorization", "Bearer GROQ_API_KEY"),
    ("/mistral/v1/chat/completions", "authorization", "Bearer MISTRAL_API_KEY"),
    ("/together/v1/chat/completions", "authorization", "Bearer TOGETHER_API_KEY"),
    ("/perplexity/chat/completions", "authorization", "Bearer PERPLEXITY_API_KEY"),
    ("/openrouter/v1/chat/completions", "authorization", "Bearer OPENROUTER_API_KEY"),
];

fn keyed(mock: &Mock) -> Setup {
    FORMS.iter().fold(Setup::new(mock.address()), |setup, (_, _, value)| {
        let variable = value.trim_start_matches("Bearer ");
        setup.variable(variable, &format!("CaNaRy-{variable}"))
    })
}

#[tokio::test]
async fn each_provider_gets_its_key_and_nothing_else_changes() {
    let mock = Mock::start().await;
    let app = keyed(&mock).start().await;
    for (target, name, value) in FORMS {
        let expected = value.replace("Bearer ", "Bearer CaNaRy-");
        let expected = if expected.starts_with("Bearer") { expected } else { format!("CaNaRy-{expected}") };
        let (_, plain) = call(&app, &mock, target, "User-Agent: x/1\r\nX-One: 1\r\nx-two: 2\r\n").await;
        let mut lines = plain.head.end_to_end();
        let lent = lines.iter().position(|line| line.name.eq_ignore_ascii_case(name)).expect(target);
        let lent = lines.remove(lent);
        assert_eq!(String::from_utf8(lent.value).unwrap(), expected, "{target}");
        // The same call with the client's own key: whatever it is, it stays, and so does all the rest.
        for own in [
            "Authorization: Bearer sk-ant-oat01-own",
            "x-api-key: own",
            "api-key: own",
            "X-Goog-Api-Key: own",
        ] {
            let headers = format!("User-Agent: x/1\r\nX-One: 1\r\nx-two: 2\r\n{own}\r\n");
            let (_, received) = call(&app, &mock, target, &headers).await;
            let mut received = received.head.end_to_end();
            let (name, value) = own.split_once(": ").unwrap();
            let at = received.iter().position(|line| line.name.eq_ignore_ascii_case(name)).expect(own);
            assert_eq!(received.remove(at).value, value.as_bytes());
            assert_eq!(received, lines, "{target}, {own}");
        }
    }
    let (_, received) = call(&app, &mock, "/gemini/v1beta/models/m:generateContent?key=own", "").await;
    assert_eq!(header(&received, "x-goog-api-key"), None);
    assert!(received.target().ends_with("?key=own"));
    let (_, received) = call(&app, &mock, "/ollama/api/chat", "").await;
    assert_eq!(header(&received, "authorization"), None);
}

#[tokio::test]
async fn a_web_page_is_never_lent_a_key() {
    let mock = Mock::start().await;
    let settings = "allowed_origins = [\"http://localhost:5173\"]";
    let app = keyed(&mock).settings(settings).start().await;
    // One that may call at all goes on without a key; others do not get through.
    let (_, received) = call(&app, &mock, "/v1/chat/completions", "Origin: http://localhost:5173\r\n").await;
    assert_eq!(header(&received, "authorization"), None);
    let allowed = "Origin: http://localhost:5173\r\nSec-Fetch-Site: cross-site\r\n";
    let (_, received) = call(&app, &mock, "/v1/chat/completions", allowed).await;
    assert_eq!(header(&received, "authorization"), None);
    mock.take();
    for headers in ["Origin: https://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n"]
    {
        let refused = send(app.proxy, &request("GET", "/v1/models", headers, b"")).await;
        assert_eq!(refused.status(), 403, "{headers}");
    }
    assert!(mock.exchanges().is_empty());
}

/// What a provider echoes of a lent key is cut like a client's own, in the record and everywhere else.
#[tokio::test]
async fn a_lent_key_is_found_nowhere() {
    let (mock, session) = (Mock::start().await, Session::with_keyring("x").await);
    let app = living_in(&session, keyed(&mock)).log("debug").start().await;
    keychain_is(&app, KeychainState::Ready).await;
    app.ask(&set_key("openai", KEY)).await;
    let local = app.local_key("aider").await;
    mock.answer(|received| {
        let lines: Vec<String> = received
            .head
            .headers
            .iter()
            .map(|line| String::from_utf8_lossy(&line.value).into_owned())
            .collect();
        Answer::whole(401, "application/json", serde_json::json!({"error": {"message": lines}}).to_string())
            .header("x-echo", lines.iter().find(|line| line.contains("CaNaRy")).cloned().unwrap_or_default())
    });
    let mut count = 0;
    for (target, _, _) in FORMS {
        for headers in
            [String::new(), format!("Authorization: Bearer {local}\r\n"), format!("x-api-key: {local}\r\n")]
        {
            call(&app, &mock, target, &headers).await;
            count += 1;
        }
    }
    let recorded = app.recorded(count).await;
    let mut shown = Vec::new();
    for call in &recorded {
        shown.extend(app.get(&format!("/api/traces/{}", call.id)).await.body);
    }
    shown.extend(serde_json::to_vec(&app.ask(&Request::GetProviders).await).unwrap());
    assert!(contains(&shown, b"[key:"), "the marks are there");
    assert!(!contains(&shown, b"CaNaRy"), "the API shows a provider's key");
    let data = app.data();
    let finished = app.stop();
    let mut places = vec![("the log".to_owned(), finished.stderr.clone().into_bytes())];
    places.push(("the output".to_owned(), finished.stdout.clone().into_bytes()));
    for file in files(&finished.setup.data()) {
        places.push((file.display().to_string(), std::fs::read(&file).unwrap()));
    }
    for cell in database_cells(&data.join("data.db")).await {
        places.push((format!("{}.{}", cell.table, cell.column), cell.bytes));
    }
    for (place, bytes) in &places {
        assert!(!contains(bytes, b"CaNaRy"), "a provider's key in {place}");
        assert!(!contains(bytes, local.as_bytes()), "the local key in {place}");
    }
}

#[tokio::test]
async fn a_key_is_tested_by_a_call_that_costs_nothing() {
    let mock = Mock::start().await;
    let app = keyed(&mock).start().await;
    let test = async |provider: &str, key: Option<&str>| {
        let request = Request::TestKey { provider: provider.into(), key: key.map(Secret::new) };
        app.try_ask(&request).await.map(|reply| match reply {
            Reply::KeyTest(tested) => tested,
            other => panic!("{other:?}"),
        })
    };
    mock.answer(|received| match received.head.header("authorization").as_deref() {
        Some("Bearer CaNaRy-OPENAI_API_KEY") if received.target() == "/v1/models" => {
            Answer::whole(200, "application/json", r#"{"data":[{"id":"a"},{"id":"b"}]}"#)
        }
        _ => Answer::whole(401, "application/json", r#"{"error":{"message":"no"}}"#),
    });
    let KeyTest { accepted, status, models, message, .. } = test("openai", None).await.unwrap();
    assert_eq!((accepted, status, models), (true, Some(200), Some(2)), "{message}");
    let refused = test("openai", Some("sk-wrong-0123456789")).await.unwrap();
    assert_eq!((refused.accepted, refused.status), (false, Some(401)), "{}", refused.message);
    assert!(!refused.message.contains("sk-wrong"));
    let honest = test("perplexity", None).await.unwrap_err();
    assert!(honest.error.contains("no call that tells"), "{}", honest.error);
    assert!(app.recorded(0).await.is_empty(), "a test is not a call");
    drop(mock);
    let unreachable = test("openai", None).await.unwrap();
    assert_eq!((unreachable.accepted, unreachable.status), (false, None), "{}", unreachable.message);
}
