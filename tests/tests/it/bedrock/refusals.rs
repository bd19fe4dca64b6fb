//! Calls that do not go on: each refusal is one of AWS's shape and names the remedy.

use std::time::SystemTime;

use tests::Answer;

use super::*;
use crate::requests::JSON;

fn target() -> String {
    format!("/model/{MODEL}/invoke")
}

fn check(said: &Response, status: u16, kind: &str, words: &[&str]) {
    assert_eq!(
        (said.status(), said.head.header("x-amzn-errortype").as_deref()),
        (status, Some(kind)),
        "{}",
        said.text()
    );
    for word in words {
        assert!(message(said).contains(word), "{word}: {}", said.text());
    }
}

#[tokio::test]
async fn without_credentials_or_a_region_the_refusal_says_where_it_looked() {
    let mock = Mock::start().await;
    let app = bare(&mock).start().await;
    let said = refused(&app, &mock, &target(), JSON, BODY).await;
    check(&said, 400, "ValidationException", &["bedrock_region", "AWS_REGION", "\"default\""]);
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(health["status"], "error");
    let app = bare(&mock).settings("bedrock_region = 'us-gov-west-1'").start().await;
    let said = refused(&app, &mock, &target(), JSON, BODY).await;
    check(&said, 403, "AccessDeniedException", &["AWS_ACCESS_KEY_ID", "aws sso login", "Providers page"]);
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(
        (health["status"].as_str(), health["region"].as_str()),
        (Some("error"), Some("us-gov-west-1"))
    );
    assert!(health["credentials"]["error"].as_str().unwrap().contains("AWS_ACCESS_KEY_ID"));
    // Who brings a key needs neither.
    let own = format!("{JSON}Authorization: Bearer bedrock-api-key-own\r\n");
    call(&app, &mock, "POST", &target(), &own, BODY).await;
    let app = bare(&mock).settings("bedrock_region = 'Frankfurt'").start().await;
    let said = refused(&app, &mock, &target(), JSON, BODY).await;
    check(&said, 400, "ValidationException", &["Frankfurt", "us-east-1"]);
}

#[tokio::test]
async fn nothing_is_signed_for_pages_for_strangers_or_when_it_is_switched_off() {
    let mock = Mock::start().await;
    let settings = "allowed_origins = ['http://localhost:5173']";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    let page = format!("{JSON}Origin: http://localhost:5173\r\n");
    let said = refused(&app, &mock, &target(), &page, BODY).await;
    check(&said, 401, "UnrecognizedClientException", &["web page"]);
    let said = refused(&app, &mock, "/bedrock/evil.example/model/m/invoke", JSON, BODY).await;
    check(&said, 403, "AccessDeniedException", &["evil.example", "allowed_upstreams"]);
    let said = refused(&app, &mock, "/model/m/invoke-with-bidirectional-stream", JSON, BODY).await;
    check(&said, 501, "InternalServerException", &["converse-stream"]);
    let app = Setup::new(mock.address()).settings("local_keys_required = true").start().await;
    for header in [JSON, SIGNATURE] {
        let said = refused(&app, &mock, &target(), header, BODY).await;
        check(&said, 401, "UnrecognizedClientException", &["local_keys_required"]);
    }
    let local = app.local_key("boto").await;
    let header = format!("{JSON}Authorization: Bearer {local}\r\n");
    let (_, received) = call(&app, &mock, "POST", &target(), &header, BODY).await;
    signed(&received);
    let app = Setup::new(mock.address()).variable("LLMFLOW_BEDROCK", "off").start().await;
    for header in [JSON.to_owned(), format!("{JSON}Authorization: Bearer own\r\n")] {
        let said = refused(&app, &mock, &target(), &header, BODY).await;
        check(&said, 404, "ResourceNotFoundException", &["bedrock = false"]);
    }
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!(health["status"], "disabled");
    let network = Setup::new(mock.address())
        .variable("LLMFLOW_UPSTREAM_BEDROCK", "http://bedrock.example")
        .start()
        .await;
    let said = refused(&network, &mock, &target(), JSON, BODY).await;
    check(&said, 401, "UnrecognizedClientException", &["in clear", "https"]);
}

#[tokio::test]
async fn a_wrong_clock_is_named_and_then_aws_s_is_gone_by() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    // A server that lives in 2040, and refuses what was signed long before.
    mock.answer(|received| match received.head.header("x-amz-date") {
        Some(date) if date.starts_with("2040") => Answer::whole(200, "application/json", "{}"),
        _ => {
            Answer::whole(403, "application/json", r#"{"message":"Signature expired: is now earlier than"}"#)
                .header("Date", "Sun, 01 Jan 2040 12:00:00 GMT")
                .header("x-amzn-ErrorType", "InvalidSignatureException")
        }
    });
    let (first, received) = call(&app, &mock, "POST", &target(), JSON, BODY).await;
    signed(&received);
    assert_eq!(first.status(), 403, "the answer passes as it is");
    let (second, received) = call(&app, &mock, "POST", &target(), JSON, BODY).await;
    assert_eq!(second.status(), 200);
    assert!(signed(&received).date.starts_with("20400101T1"));
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert!(health["clock_ahead_s"].as_i64().unwrap() < -300_000_000, "{health}");
    assert!(app.log().contains("clock is wrong"), "{}", app.log());

    // The machine's clock was set: what is signed by the other one is refused once, and no more.
    mock.answer(|_| {
        Answer::whole(403, "application/json", r#"{"message":"Signature not yet current"}"#)
            .header("Date", httpdate::fmt_http_date(SystemTime::now()))
            .header("x-amzn-ErrorType", "InvalidSignatureException")
    });
    let (_, received) = call(&app, &mock, "POST", &target(), JSON, BODY).await;
    assert!(signed(&received).date.starts_with("20400101T1"));
    let (_, received) = call(&app, &mock, "POST", &target(), JSON, BODY).await;
    assert!(!signed(&received).date.starts_with("2040"));
}
