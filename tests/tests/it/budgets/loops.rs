//! Sessions that go in circles: found, told, refused if the settings say so, and let go on.

use std::cell::Cell;

use api::{FoundLoop, LoopKind};
use tests::{Answer, Received, Setup};

use super::*;

/// Always the same tool call.
fn stuck(_: &Received) -> Answer {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {"command": "make test"}}],
        "stop_reason": "tool_use", "usage": {"input_tokens": 1000, "output_tokens": 100},
    });
    Answer::whole(200, "application/json", body.to_string())
}

/// A turn of an agent that has made this many before: each time the same came back.
async fn turn(app: &App, session: &str, turns: usize, result: &str) -> Response {
    let mut messages = vec![json!({"role": "user", "content": "Mend the tests."})];
    for number in 0..turns {
        let id = format!("toolu_{number}");
        messages.push(json!({"role": "assistant", "content": [
            {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "make test"}}]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": result}]}));
    }
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages});
    let headers = format!("{JSON}User-Agent: claude-cli/2.0\r\nx-claude-code-session-id: {session}\r\n");
    send(app.proxy, &request("POST", "/anthropic/v1/messages", &headers, body.to_string().as_bytes())).await
}

async fn looped(app: &App, times: u64) -> FoundLoop {
    wait_until("the loop to be found", async || {
        budgets(app).await.loops.into_iter().find(|found| found.times == times)
    })
    .await
}

#[tokio::test]
async fn the_same_tool_call_over_and_over_is_told_with_its_name_and_cost() {
    let mock = Mock::start().await;
    mock.answer(stuck);
    let app = App::start(mock.address()).await;
    for turns in 1..=4 {
        assert_eq!(turn(&app, "s-1", turns, "2 failed").await.status(), 200);
    }
    app.recorded(4).await;
    assert!(budgets(&app).await.loops.is_empty());
    turn(&app, "s-1", 5, "2 failed").await;
    let found = looped(&app, 5).await;
    assert_eq!((found.session.as_deref(), found.client.as_deref()), (Some("s-1"), Some("claude-code")));
    assert_eq!((found.kind, found.calls, found.going_on), (LoopKind::Same, 5, true));
    assert_eq!(found.tool.as_deref(), Some("Bash"));
    assert!(found.arguments.unwrap().contains("make test"));
    // Three dollars a million in, fifteen out.
    assert_eq!(found.cost, Money::from_pico(5 * (1_000 * 3_000_000 + 100 * 15_000_000)));
    assert_eq!(found.refused_until_ms, None);
    assert!(app.log().contains("claude-code goes in circles"), "{}", app.log());
    let shown: Value = app.get("/api/budgets").await.json();
    assert_eq!(
        (&shown["loops"][0]["cost_usd"], &shown["loops"][0]["tool"]),
        (&json!("0.0225"), &json!("Bash"))
    );
    // It goes on, and then something else is done.
    assert_eq!(turn(&app, "s-1", 6, "2 failed").await.status(), 200, "it only warns");
    looped(&app, 6).await;
    assert_eq!(turn(&app, "s-1", 7, "1 failed").await.status(), 200);
    wait_until("it to be over", async || (!budgets(&app).await.loops[0].going_on).then_some(())).await;
    app.ask(&Request::Erase { what: api::Erase::Everything }).await;
    assert!(budgets(&app).await.loops.is_empty(), "what was said in it goes with the calls");
}

#[tokio::test]
async fn a_session_in_a_loop_is_refused_and_let_go_on() {
    let mock = Mock::start().await;
    mock.answer(stuck);
    let settings = "loop_action = 'refuse'\nloop_calls = 3\n";
    let app = Setup::new(mock.address()).settings(settings).start().await;
    for turns in 1..=3 {
        assert_eq!(turn(&app, "s-1", turns, "2 failed").await.status(), 200);
        app.recorded(turns).await;
    }
    let found = looped(&app, 3).await;
    assert!(found.refused_until_ms.is_some());
    // Until the loop is found more of it may go through.
    let through = Cell::new(3);
    let refused = wait_until("the session to be refused", async || {
        let answer = turn(&app, "s-1", through.get() + 1, "2 failed").await;
        if answer.status() == 200 {
            through.set(through.get() + 1);
        }
        (answer.status() == 429).then_some(answer)
    })
    .await;
    let last = looped(&app, through.get() as u64).await.last;
    let said = refused.json();
    assert_eq!(said["error"]["type"], "rate_limit_error");
    let message = said["error"]["message"].as_str().unwrap();
    for words in ["session s-1", "tool Bash", "loop_action", "Begin a new session"] {
        assert!(message.contains(words), "{words:?} in {message}");
    }
    assert_eq!(turn(&app, "s-2", 1, "2 failed").await.status(), 200, "others go on");
    let answer = send(app.dashboard, &request("POST", &format!("/api/loops/{last}/dismiss"), "", b"")).await;
    assert_eq!((answer.status(), answer.json()["loops"].as_array().unwrap().len()), (200, 0));
    assert_eq!(turn(&app, "s-1", through.get() + 1, "2 failed").await.status(), 200);
    let again = send(app.dashboard, &request("POST", &format!("/api/loops/{last}/dismiss"), "", b"")).await;
    assert_eq!(again.status(), 404);
    // What the settings say holds at once.
    app.ask(&Request::ChangeSetting { name: "loop_action".into(), value: Some("off".into()) }).await;
    for turns in through.get() + 2..through.get() + 8 {
        assert_eq!(turn(&app, "s-1", turns, "2 failed").await.status(), 200);
    }
}
