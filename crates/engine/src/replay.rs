//! Sending a recorded call again through the proxy, where it is priced, recorded and held to budgets as every call is.
//! Owns what is told of it before and after. Leaves out what is sent (`recorded`) and marking it (`proxy`).

mod recorded;

use std::time::{Duration, Instant, SystemTime};

use api::{
    ApiError, CallDetail, CallId, CallState, CostSource, ErrorKind, Money, Part, Replay, ReplayEdit,
    ReplayUntil, UsageSource,
};
use model::dialect::requested_model;
use model::pricing::Facts;
use proxy::{Aimed, NotSent, Repeat, ReplayOf};
use tokio::sync::oneshot;

use crate::Engine;
use crate::commands::internal;
use crate::pipeline::millis;
use crate::supervisor::{Refused, Sending};
use recorded::Asked;

/// A call that ended is committed within this time, or the store is in trouble, which health tells.
const COMMITTED: Duration = Duration::from_secs(60);
/// Events may be missed, and a lost record has none.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Engine {
    /// Sends a recorded call again, or says what would be sent.
    pub(crate) async fn replay(
        &self,
        id: CallId,
        edit: &ReplayEdit,
        until: ReplayUntil,
    ) -> Result<Replay, ApiError> {
        let call = self.call(id).await?;
        recorded::check(&call)?;
        let body = self.body(id, recorded::side(&call)).await?;
        let asked = recorded::asked(&call, body, edit, self.inner.upstreams.providers())?;
        let sending = self.inner.supervisor.proxy().await.map_err(off)?;
        let trial = until == ReplayUntil::DryRun;
        let aimed = sending.proxy.would_send(repeat(&call, &asked), trial).await.map_err(not_sent)?;
        let mut replay = self.told(&call, &asked, aimed);
        if trial {
            return Ok(replay);
        }
        let repeat = repeat(&call, &asked);
        let new = repeat.id;
        let ended = send(sending, repeat).await?;
        replay.id = Some(new);
        if until == ReplayUntil::Begun {
            return Ok(replay);
        }
        // An error says that the task is gone, and the call with it.
        let _over = ended.await;
        let call = self.recorded(new).await?;
        replay.tools_asked = self.tools_asked(new).await?;
        replay.cost = Some(call.cost);
        replay.call = Some(Box::new(call.summary));
        Ok(replay)
    }

    /// What is known before it is sent.
    fn told(&self, call: &CallDetail, asked: &Asked, aimed: Aimed) -> Replay {
        let path = asked.path_and_query.split('?').next().unwrap_or_default();
        let model = requested_model(asked.dialect, path, &asked.body);
        let estimate = self.estimate(call, &aimed, model.as_deref());
        Replay {
            of: call.summary.id,
            id: None,
            provider: aimed.provider,
            upstream: aimed.upstream,
            path: asked.path_and_query.clone(),
            model,
            body_bytes: asked.body.len() as u64,
            estimate,
            call: None,
            cost: None,
            tools_asked: Vec::new(),
        }
    }

    /// What as many tokens as the recorded call took cost there, now.
    fn estimate(&self, call: &CallDetail, aimed: &Aimed, model: Option<&str>) -> Option<Money> {
        let mut summary = call.summary.clone();
        if summary.usage.is_unknown() {
            return None;
        }
        summary.provider.clone_from(&aimed.provider);
        summary.model = model.map(str::to_owned).or(summary.model);
        summary.started_ms = millis(SystemTime::now());
        summary.status = Some(200);
        summary.usage_source = UsageSource::Provider;
        let cost = self.inner.prices.now().price(&summary, &Facts::default());
        cost.total.filter(|_| cost.source != CostSource::Unknown)
    }

    /// The call with this id, when its end is committed.
    async fn recorded(&self, id: CallId) -> Result<CallDetail, ApiError> {
        let mut events = self.events();
        let began = Instant::now();
        loop {
            let found = self.inner.store.call(id).await.map_err(internal)?;
            if let Some(call) = found.filter(|call| call.summary.state != CallState::Open) {
                return Ok(self.explained(call));
            }
            if began.elapsed() > COMMITTED || self.inner.quiet.is_cancelled() {
                return Err(ApiError::new(
                    ErrorKind::Unavailable,
                    format!(
                        "The replay was sent as {id}, and its end is not stored yet. LLMFlow's health says why."
                    ),
                ));
            }
            tokio::select! {
                _ = events.recv() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = self.inner.quiet.cancelled() => {}
            }
        }
    }

    /// The names of the tools that an answer asks for, each once.
    async fn tools_asked(&self, id: CallId) -> Result<Vec<String>, ApiError> {
        let conversation = self.conversation(id).await?;
        let mut tools: Vec<String> = Vec::new();
        for part in conversation.answer.iter().flat_map(|message| &message.parts) {
            if let Part::ToolCall { name, .. } = part
                && !tools.contains(name)
            {
                tools.push(name.clone());
            }
        }
        Ok(tools)
    }
}

fn repeat(call: &CallDetail, asked: &Asked) -> Repeat {
    let summary = &call.summary;
    Repeat {
        id: CallId::new(uuid::Uuid::now_v7()),
        of: ReplayOf { id: summary.id, session: summary.session_id.clone(), client: summary.client.clone() },
        path_and_query: asked.path_and_query.clone(),
        headers: asked.headers.clone(),
        body: asked.body.clone(),
    }
}

/// Sends it on a task of its own, so that whoever asked may leave; says when it ended, once it is under way.
async fn send(sending: Sending, repeat: Repeat) -> Result<oneshot::Receiver<()>, ApiError> {
    let (begun, is_begun) = oneshot::channel();
    let (refused, why) = oneshot::channel();
    let (over, ended) = oneshot::channel();
    let calls = sending.calls.clone();
    calls.spawn(async move {
        let Sending { proxy, force, .. } = sending;
        let sent = tokio::select! {
            sent = proxy.send_again(repeat, begun) => sent,
            () = async { force.cancelled().await; proxy.cuts(); } => Ok(()),
        };
        let _nobody_waits = match sent {
            Ok(()) => over.send(()).is_ok(),
            Err(reason) => refused.send(reason).is_ok(),
        };
    });
    match is_begun.await {
        Ok(()) => Ok(ended),
        Err(_) => Err(why.await.map_or_else(|_| stopping(), not_sent)),
    }
}

fn stopping() -> ApiError {
    ApiError::new(ErrorKind::Unavailable, "LLMFlow is stopping.")
}

fn off(refused: Refused) -> ApiError {
    match refused {
        Refused::Off => ApiError::new(
            ErrorKind::Unavailable,
            "The proxy is off, and a replay goes through it. Switch it on with: llmflow proxy on",
        ),
        Refused::Stopping => stopping(),
    }
}

fn not_sent(reason: NotSent) -> ApiError {
    let kind = match reason.status {
        403 | 429 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        500 => ErrorKind::Internal,
        502 | 503 => ErrorKind::Unavailable,
        _ => ErrorKind::BadRequest,
    };
    ApiError::new(kind, reason.message)
}
