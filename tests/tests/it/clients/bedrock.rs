//! Amazon Bedrock with boto3 and with Claude Code in its Bedrock mode, and our signatures against botocore's.

use std::process::Stdio;

use api::CallState;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::{AWS, App, Exchange, Fault, Mock, Plan, Tokens, send, verify, within};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{installed, script, table};
use crate::requests::request;

const REQUESTS: usize = 1_000;
const TOKENS: Tokens =
    Tokens { input: 1_201, cache_read: 307, cache_write_5m: 11, cache_write_1h: 0, output: 89, reasoning: 0 };

/// Runs our script with these arguments and this input; the lines it prints.
async fn python(arguments: &[&str], input: &str) -> Vec<Value> {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(installed("py-sdk/bin/python"));
    command.arg(script("bedrock.py")).args(arguments);
    command.env_clear().env("HOME", home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut writing = process.stdin.take().unwrap();
    let input = input.to_owned();
    // Both at once: neither pipe holds a thousand requests.
    let write = async move { writing.write_all(input.as_bytes()).await };
    let both = async { tokio::join!(write, process.wait_with_output()) };
    let (written, output) = within("the script", both).await;
    let output = output.unwrap();
    written.unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Requests as they arrived, for the script.
fn arrived(exchanges: &[Exchange]) -> String {
    let line = |exchange: &Exchange| {
        let received = &exchange.received;
        let headers = received.head.headers.iter();
        let headers: Vec<_> =
            headers.map(|line| json!([line.name, String::from_utf8_lossy(&line.value)])).collect();
        let body = STANDARD.encode(&received.body);
        json!({"method": received.method(), "target": received.target(), "headers": headers, "body": body})
            .to_string()
    };
    exchanges.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How many of these signatures botocore makes too; fails with the first that it does not.
async fn agreed(exchanges: &[Exchange], secret: &str) -> usize {
    let said = python(&["verify", AWS[0].1, secret], &arrived(exchanges)).await.remove(0);
    assert_eq!(said["first"], Value::Null, "botocore signs otherwise: {said:#}");
    usize::try_from(said["agreed"].as_u64().unwrap()).unwrap()
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn botocore_agrees_with_every_signature() {
    let mock = Mock::start().await;
    // Bodies of any bytes are nothing that a model would answer.
    mock.answer(|_| tests::Answer::whole(200, "application/json", "{}"));
    let secret = "generated/secret+0123456789==";
    let setup = tests::Setup::new(mock.address()).variable("AWS_SECRET_ACCESS_KEY", secret);
    let app = setup.variable("AWS_SESSION_TOKEN", "generated/session+token==").start().await;
    for asked in python(&["generate", &REQUESTS.to_string()], "").await {
        let lines = asked["headers"].as_array().unwrap().iter();
        let more: String = lines
            .map(|line| format!("{}: {}\r\n", line[0].as_str().unwrap(), line[1].as_str().unwrap()))
            .collect();
        let body = STANDARD.decode(asked["body"].as_str().unwrap()).unwrap();
        let (method, target) = (asked["method"].as_str().unwrap(), asked["target"].as_str().unwrap());
        let response = send(app.proxy, &request(method, target, &more, &body)).await;
        assert!(response.head.header("x-llmflow-error").is_none(), "{target}: {}", response.text());
        let last = mock.exchanges().pop().unwrap().received;
        assert_eq!((last.target(), &last.body), (target, &body), "as the client wrote it");
    }
    let exchanges = mock.ended(REQUESTS).await;
    let agreed = agreed(&exchanges, secret).await;
    println!("{agreed} of {REQUESTS} generated requests are signed as botocore signs them");
    assert_eq!(agreed, REQUESTS);
    table(&format!("| botocore's signer | {REQUESTS} | {REQUESTS} | 0 | | |\n"));
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn boto3() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let tool = Some(("get_weather".to_owned(), r#"{"city":"Köln"}"#.to_owned()));
    let plain = Plan { tokens: TOKENS, ..Plan::default() };
    let (mut calls, mut compared) = (0, 0);
    for (name, plan) in [
        ("plain", plain.clone()),
        ("tool", Plan { tool, ..plain.clone() }),
        ("split", Plan { split: Some(5), ..plain.clone() }),
        ("429", Plan { fault: Fault::Status(429), ..plain.clone() }),
        ("500", Plan { fault: Fault::Status(500), ..plain.clone() }),
        ("exception", Plan { fault: Fault::ErrorEvent, ..plain.clone() }),
        ("checksum", Plan { fault: Fault::InvalidJson, ..plain.clone() }),
        ("truncate", Plan { fault: Fault::Truncate, ..plain.clone() }),
        ("disconnect", Plan { fault: Fault::Disconnect, ..plain }),
    ] {
        mock.follow(plan.clone());
        mock.take();
        let direct = python(&["calls", &format!("http://{}", mock.address())], "").await;
        let before = mock.ended(4).await;
        mock.take();
        let through = python(&["calls", &format!("http://{}", app.proxy)], "").await;
        let after = mock.ended(4).await;
        assert_eq!(direct, through, "{name}: boto3's user sees the same");
        if name == "plain" {
            assert!(direct.iter().all(|line| line[1][0] != "raised" && line[1][0] != "error"), "{direct:#?}");
        }
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.received.target(), after.received.target(), "{name}");
            assert_eq!(before.received.body, after.received.body, "{name}");
            assert_eq!(before.sent.as_ref().unwrap().body, after.sent.as_ref().unwrap().body, "{name}");
            let signed = verify(&after.received, AWS[1].1);
            assert_eq!((signed.id.as_str(), signed.region.as_str()), (AWS[0].1, "us-west-2"), "{name}");
            compared += 5;
        }
        assert_eq!(agreed(&after, AWS[1].1).await, 4);
        calls += 4;
        let recorded = app.recorded(calls).await;
        for row in &recorded[..4] {
            assert_eq!((row.provider.as_str(), row.client.as_deref()), ("bedrock", Some("boto3")), "{name}");
            if plan.fault == Fault::None {
                assert_eq!(row.state, CallState::Complete, "{name}: {:?}", row.error);
                let usage = row.usage;
                let found = [usage.input, usage.cache_read, usage.cache_write_5m, usage.output];
                assert_eq!(found, [Some(1_201), Some(307), Some(11), Some(89)], "{name}");
                assert!(row.cost.is_some(), "{name}");
            }
        }
        let broken = recorded[..4].iter().filter(|row| row.state != CallState::Complete).count();
        let expected = match plan.fault {
            Fault::None => 0,
            // These two befall streams only.
            Fault::ErrorEvent | Fault::Truncate => 2,
            _ => 4,
        };
        let whole = u64::try_from(broken).unwrap();
        // JSON that is cut is whole on the wire.
        assert!(
            whole == expected || plan.fault == Fault::InvalidJson,
            "{name}: {broken} of 4: {recorded:#?}"
        );
    }
    table(&format!("| boto3 | {calls} | {compared} | 0 | {calls} | 0 |\n"));
}

#[tokio::test]
#[ignore = "needs real clients: cargo xtask test --clients DIR"]
async fn claude_code_on_bedrock() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let plan = Plan {
        tokens: TOKENS,
        tool: Some(("Bash".to_owned(), r#"{"command":"echo hi","description":"Says hi"}"#.to_owned())),
        ..Plan::default()
    };
    mock.follow(plan);
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let mut said = Vec::new();
    for root in [format!("http://{}", mock.address()), format!("http://{}", app.proxy)] {
        mock.take();
        // The same path each time, since it stands in the prompt, and nothing in it.
        let _not_there_yet = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(home.join("project")).unwrap();
        let mut command =
            super::agents::bare(Command::new(installed("js-claude/node_modules/.bin/claude")), &home);
        command.args(["-p", "Say hello.", "--output-format", "json", "--allowedTools", "Bash"]);
        command.env("CLAUDE_CODE_USE_BEDROCK", "1").env("ANTHROPIC_BEDROCK_BASE_URL", root);
        command.env("CLAUDE_CODE_SKIP_BEDROCK_AUTH", "1").env("DISABLE_AUTOUPDATER", "1");
        command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        command.current_dir(home.join("project")).stdin(Stdio::null()).kill_on_drop(true);
        let output = within("Claude Code", command.output()).await.unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        said.push([output.status.code().into(), answer["result"].clone(), answer["total_cost_usd"].clone()]);
    }
    assert_eq!(said[0], said[1], "its user sees the same");
    assert!(said[0][1].to_string().contains("forty-two"), "{said:?}");
    let exchanges = mock.exchanges();
    for exchange in &exchanges {
        verify(&exchange.received, AWS[1].1);
    }
    assert_eq!(agreed(&exchanges, AWS[1].1).await, exchanges.len());
    let recorded = app.recorded(exchanges.len()).await;
    let turns: Vec<_> = recorded.iter().filter(|row| row.operation == api::Operation::Chat).collect();
    assert!(turns.len() >= 2, "a turn with a tool and one after it: {recorded:#?}");
    for row in &turns {
        assert_eq!(
            (row.client.as_deref(), row.state),
            (Some("claude-code"), CallState::Complete),
            "{:?}",
            row.error
        );
        assert_eq!((row.usage.input, row.usage.output), (Some(1_201), Some(89)));
        assert_eq!(row.lineage.session, turns[0].lineage.session, "one session");
        assert!(row.session_id.is_some() && row.cost.is_some());
    }
    table(&format!("| Claude Code on Bedrock | {0} | {0} | 0 | {0} | 0 |\n", exchanges.len()));
}
