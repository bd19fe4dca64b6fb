//! Amazon Bedrock: every route and form of an id, signatures that hold, frames byte for byte, records, and what each
//! failure says.

mod credentials;
mod records;
mod refusals;

use tests::{AWS, App, Mock, Received, Response, Setup, Signed, send, verify};

use crate::requests::request;

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const BODY: &[u8] = b"{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Gr\xc3\xbc\xc3\x9fe\"}]}";
/// What boto3 signs a call to this machine with.
const SIGNATURE: &str = "Content-Type: application/json\r\nX-Amz-Date: 20260101T000000Z\r\nX-Amz-Security-Token: \
    theirs\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIATHEIRS/20260101/us-west-2/bedrock/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=0123456789abcdef0123456789abcdef\r\n";

/// One call, and what the upstream got of it.
async fn call(
    app: &App,
    mock: &Mock,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> (Response, Received) {
    mock.take();
    let response = send(app.proxy, &request(method, target, headers, body)).await;
    assert!(response.head.header("x-llmflow-error").is_none(), "{target}: {}", response.text());
    (response, mock.ended(1).await.remove(0).received)
}

/// A call that is answered here.
async fn refused(app: &App, mock: &Mock, target: &str, headers: &str, body: &[u8]) -> Response {
    mock.take();
    let response = send(app.proxy, &request("POST", target, headers, body)).await;
    assert!(response.head.header("x-llmflow-error").is_some(), "{target}: {}", response.text());
    assert!(mock.exchanges().is_empty(), "nothing goes on");
    response
}

fn message(response: &Response) -> String {
    response.json()["message"].as_str().unwrap().to_owned()
}

/// A setup without credentials and without a machine that has some.
fn bare(mock: &Mock) -> Setup {
    let none = Setup::new(mock.address()).variable("AWS_EC2_METADATA_DISABLED", "true");
    AWS.into_iter().fold(none, |setup, (name, _)| setup.variable(name, ""))
}

fn signed(received: &Received) -> Signed {
    let signed = verify(received, AWS[1].1);
    assert_eq!(signed.id, AWS[0].1);
    signed
}

#[tokio::test]
async fn every_route_and_form_of_an_id_arrives_signed_for_its_region() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let arn = "arn:aws:bedrock:ap-southeast-2:123456789012:application-inference-profile/a1b2c3";
    let encoded = arn.replace(':', "%3A").replace('/', "%2F");
    let half = arn.replace('/', "%2F");
    let mut calls = 0;
    for prefix in ["", "/bedrock", "/passthrough/bedrock"] {
        for (method, asked, arrives, region) in [
            ("POST", format!("/model/{MODEL}/invoke"), None, "eu-central-1"),
            (
                "POST",
                format!("/model/{}/invoke-with-response-stream", MODEL.replace(':', "%3A")),
                None,
                "eu-central-1",
            ),
            ("POST", format!("/model/{encoded}/converse"), None, "ap-southeast-2"),
            (
                "POST",
                format!("/model/{arn}/converse-stream"),
                Some(format!("/model/{half}/converse-stream")),
                "ap-southeast-2",
            ),
            ("POST", "/model/amazon.nova-lite-v1:0/count-tokens".to_owned(), None, "eu-central-1"),
            (
                "GET",
                "/inference-profiles?type=SYSTEM_DEFINED&maxResults=1000".to_owned(),
                None,
                "eu-central-1",
            ),
            ("GET", format!("/inference-profiles/{encoded}"), None, "ap-southeast-2"),
        ] {
            let body = if method == "POST" { BODY } else { b"" };
            let more = "Content-Type: application/json\r\nanthropic-beta: a-1,b-2\r\nX-Amzn-Bedrock-Trace: ENABLED\r\n\
                        X-Amzn-Bedrock-GuardrailIdentifier:  g  1\r\nUser-Agent: x/1\r\n";
            let (_, received) = call(&app, &mock, method, &format!("{prefix}{asked}"), more, body).await;
            assert_eq!(received.target(), arrives.as_ref().unwrap_or(&asked), "{prefix}{asked}");
            let signed = signed(&received);
            assert_eq!((signed.region.as_str(), signed.token), (region, None), "{prefix}{asked}");
            for name in [
                "anthropic-beta",
                "x-amzn-bedrock-trace",
                "x-amzn-bedrock-guardrailidentifier",
                "content-type",
            ] {
                assert!(signed.headers.contains(&name.to_owned()), "{name} is covered");
            }
            assert_eq!(received.head.header("user-agent").as_deref(), Some("x/1"));
            assert_eq!((received.body.as_slice(), received.chunked), (body, false));
            calls += 1;
        }
    }
    let recorded = app.recorded(calls).await;
    assert!(recorded.iter().all(|call| call.provider == "bedrock"));
    let profiles = recorded.iter().filter(|call| call.operation == api::Operation::Models).count();
    assert_eq!(profiles, 6);
    // Claude Code asks for it with the address of the dashboard's neighbour: at the root.
    let health = send(app.proxy, &request("GET", "/health/bedrock", "", b"")).await.json();
    assert_eq!((health["status"].as_str(), health["region"].as_str()), (Some("ok"), Some("eu-central-1")));
    assert_eq!(
        (health["credentials"]["source"].as_str(), health["decode_errors"].as_u64()),
        (Some("environment"), Some(0))
    );
}

#[tokio::test]
async fn a_clients_own_signature_gives_way_and_its_own_key_does_not() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let target = format!("/model/{MODEL}/invoke");
    let (_, received) = call(&app, &mock, "POST", &target, SIGNATURE, BODY).await;
    let ours = signed(&received);
    assert_eq!((ours.region.as_str(), ours.token), ("us-west-2", None), "the region is the client's");
    let lines = received.head.headers.iter().filter(|line| line.name.eq_ignore_ascii_case("authorization"));
    assert_eq!(lines.count(), 1);
    let own = "Content-Type: application/json\r\nAuthorization: Bearer bedrock-api-key-own\r\n";
    let (_, received) = call(&app, &mock, "POST", &target, own, BODY).await;
    assert_eq!(received.head.header("authorization").as_deref(), Some("Bearer bedrock-api-key-own"));
    assert_eq!(received.head.header("x-amz-date"), None);
    // A local key stands for the machine's credentials.
    let local = app.local_key("claude-code").await;
    let header = format!("Content-Type: application/json\r\nAuthorization: Bearer {local}\r\n");
    let (_, received) = call(&app, &mock, "POST", &target, &header, BODY).await;
    signed(&received);
    // A Bedrock API key of LLMFlow's goes before them.
    let keyed =
        Setup::new(mock.address()).variable("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-ours").start().await;
    for header in [SIGNATURE, "Content-Type: application/json\r\n"] {
        let (_, received) = call(&keyed, &mock, "POST", &target, header, BODY).await;
        assert_eq!(received.head.header("authorization").as_deref(), Some("Bearer bedrock-api-key-ours"));
        assert_eq!(
            (received.head.header("x-amz-date"), received.head.header("x-amz-security-token")),
            (None, None)
        );
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_signed_whole_and_large_ones_have_a_limit() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let head = format!(
        "POST /model/{MODEL}/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunked = [head.as_bytes(), b"5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n"].concat();
    assert_eq!(send(app.proxy, &chunked).await.status(), 200);
    let received = mock.ended(1).await.remove(0).received;
    signed(&received);
    assert_eq!((received.body.as_slice(), received.chunked), (&b"{\"a\":1}"[..], false));
    let large = vec![b' '; 25_000_000];
    let target = format!("/model/{MODEL}/invoke");
    let (_, received) = call(&app, &mock, "POST", &target, "", &large).await;
    signed(&received);
    assert_eq!(received.body.len(), large.len());
    let larger = [large, vec![b' ']].concat();
    let said = refused(&app, &mock, &target, "", &larger).await;
    assert_eq!(said.status(), 413);
    assert!(message(&said).contains("25 MB"), "{}", said.text());
    let converse = "/model/amazon.nova-lite-v1:0/converse";
    let (_, received) = call(&app, &mock, "POST", converse, "", &larger).await;
    assert_eq!(received.body.len(), larger.len(), "AWS names no limit for this one");
}
