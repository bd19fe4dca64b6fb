//! A connection to our binary's dashboard, to ask what its pages ask. Leaves out what is asked (`questions`).

use std::net::SocketAddr;

use anyhow::{Context, Result};
use api::{Reply, Request};
use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::proxies::Proxy;
use crate::upstream::now_nanos;

/// Spans of the large trace.
const SPANS: usize = 10_000;
/// Its id.
pub(crate) const TRACE: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

/// Somebody who looks at it.
pub(crate) struct Dashboard {
    connection: Connection,
    to: SocketAddr,
}

impl Dashboard {
    pub(crate) fn of(proxy: &Proxy) -> Result<Self> {
        let to = proxy.dashboard().context("our binary has a dashboard")?;
        Ok(Self { connection: Connection::open(to)?, to })
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Result<Reply> {
        let answer = self.post("/api/rpc", &serde_json::to_vec(request)?)?;
        let text = || String::from_utf8_lossy(answer.body.get(..300).unwrap_or(&answer.body)).into_owned();
        anyhow::ensure!(answer.status == 200, "status {}: {}", answer.status, text());
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// The body of an answer of REST.
    pub(crate) fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        let answer =
            self.connection.ask(format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.to).as_bytes())?;
        anyhow::ensure!(answer.status == 200, "{path} was answered {}", answer.status);
        Ok(answer.body)
    }

    fn post(&mut self, path: &str, body: &[u8]) -> Result<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.to,
            body.len()
        );
        self.connection.ask(&[head.as_bytes(), body].concat())
    }

    /// A trace of agents in agents, of ten children each.
    pub(crate) fn send_trace(&mut self) -> Result<()> {
        let now = now_nanos();
        let all: Vec<Value> = (0..SPANS)
            .map(|at| {
                let (start, lasts) = (now + at as u64 * 1_000_000, 5_000_000_u64);
                let parent = (at > 0).then(|| format!("{:016x}", (at - 1) / 10 + 1));
                json!({
                    "traceId": TRACE, "spanId": format!("{:016x}", at + 1), "parentSpanId": parent,
                    "name": format!("step {at}"), "kind": 1,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + lasts).to_string(),
                    "attributes": [
                        {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
                        {"key": "gen_ai.tool.name", "value": {"stringValue": format!("tool_{}", at % 40)}},
                    ],
                })
            })
            .collect();
        for spans in all.chunks(1_000) {
            let scope = json!({"scope": {"name": "bench"}, "spans": spans});
            let service = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "bench"}}]});
            let body = json!({"resourceSpans": [{"resource": service, "scopeSpans": [scope]}]});
            let answer = self.post("/v1/traces", &serde_json::to_vec(&body)?)?;
            anyhow::ensure!(answer.status == 200, "spans were answered {}", answer.status);
        }
        Ok(())
    }
}
