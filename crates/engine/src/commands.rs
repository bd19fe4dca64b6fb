//! The one list of things that can be asked, each in one arm. Doors (RPC, REST, the desktop app) all come here.

mod budgets;
mod cache;
mod conversation;
mod entrance;
mod health;
mod keys;
mod overview;
mod prices;
mod provider_checks;
mod reported;
mod search;
mod settings;
mod sources;
mod telemetry;
mod upkeep;

use api::{
    ApiError, BodySide, BodyText, CallDetail, CallId, ErrorKind, Reply, Request, SessionDetail, SessionRef,
    Timeline,
};

use crate::Engine;
pub(crate) use reported::explained;

const LARGEST_PART: u64 = 4 << 20;
/// A thousand years; longer spans are mistakes.
const LONGEST_SPAN_MS: i64 = 1_000 * 366 * 86_400_000;
const IN_FLIGHT: usize = 1_000;

impl Engine {
    /// Answers one question.
    pub async fn dispatch(&self, request: Request) -> Result<Reply, ApiError> {
        let store = &self.inner.store;
        match request {
            Request::GetHealth => Ok(Reply::Health(Box::new(self.health().await?))),
            Request::GetLoginPath => self.login_path().map(Reply::LoginPath),
            Request::RenewToken => self.renew_token().await.map(Reply::LoginPath),
            Request::Replay { id, edit, until } => {
                Ok(Reply::Replay(Box::new(Box::pin(self.replay(id, &edit, until)).await?)))
            }
            Request::GetStats { filter } => store.stats(&filter).await.map(Reply::Stats).map_err(internal),
            Request::ListCalls { filter, page } => {
                store.list_calls(&filter, page).await.map(Reply::Calls).map_err(internal)
            }
            Request::Search { .. }
            | Request::GetSnippets { .. }
            | Request::GetSearchLag
            | Request::RebuildSearch => self.search(request).await,
            Request::GetCall { id } => Ok(Reply::Call(Box::new(self.call(id).await?))),
            Request::GetConversation { id } => {
                Ok(Reply::Conversation(Box::new(self.conversation(id).await?)))
            }
            Request::GetBody { id, side, offset, limit } => {
                let body = self.body(id, side).await?;
                Ok(Reply::Body(part(&body, offset, limit)))
            }
            Request::ListInFlight => Ok(Reply::InFlight(self.inner.open.list(IN_FLIGHT))),
            Request::GetFacets => store.facets().await.map(Reply::Facets).map_err(internal),
            Request::GetHistogram { filter, from_ms, to_ms, bars } => {
                check_span(from_ms, to_ms)?;
                store.histogram(&filter, from_ms, to_ms, bars).await.map(Reply::Histogram).map_err(internal)
            }
            Request::ListSessions { filter, limit, offset, before } => {
                let page = store.list_sessions(&filter, limit, offset, before).await;
                page.map(Reply::Sessions).map_err(internal)
            }
            Request::GetSession { session } => Ok(Reply::Session(Box::new(self.session(session).await?))),
            Request::SetSource { name, to } => self.set_source(&name, to).await.map(Reply::Source),
            Request::GetStranded { name } => self.stranded(&name).await.map(Reply::Stranded),
            Request::GetSeries { filter, bounds_ms, group } => {
                self.series(&filter, &bounds_ms, group).await.map(Reply::Series)
            }
            Request::GetOverview { bounds_ms } => {
                Ok(Reply::Overview(Box::new(self.overview(&bounds_ms).await?)))
            }
            Request::GetMeter { bounds_ms } => self.meter(&bounds_ms).await.map(Reply::Meter),
            Request::GetSettings => self.settings_view().await.map(Reply::Settings),
            Request::ChangeSetting { name, value } => {
                self.change_setting(name, value).await.map(Reply::Settings)
            }
            Request::ListTraces { .. }
            | Request::GetTrace { .. }
            | Request::FindTrace { .. }
            | Request::ListSpans { .. }
            | Request::FindSpan { .. }
            | Request::GetSpan { .. }
            | Request::ListLogs { .. }
            | Request::ListLogDetails { .. }
            | Request::GetLog { .. }
            | Request::GetLogHistogram { .. }
            | Request::GetLogFacets
            | Request::ListMetrics { .. }
            | Request::GetMetricChart { .. }
            | Request::ListPoints { .. }
            | Request::FindPoints { .. }
            | Request::GetPoint { .. }
            | Request::GetMetricUsage { .. } => self.telemetry(request).await,
            Request::GetModels { .. }
            | Request::FindPrices { .. }
            | Request::SetPrice { .. }
            | Request::RemovePrice { .. }
            | Request::RefreshPrices { .. }
            | Request::Reprice { .. }
            | Request::GetRepricings => self.prices(request).await,
            Request::GetCallCache { id } => Ok(Reply::CallCache(Box::new(self.call_cache(id).await?))),
            Request::GetSessionCache { session } => {
                Ok(Reply::SessionCache(Box::new(self.session_cache(session).await?)))
            }
            Request::GetTimeline { session } => self.timeline(session).await.map(Reply::Timeline),
            Request::GetBudgets
            | Request::SetBudget { .. }
            | Request::RemoveBudget { .. }
            | Request::DismissLoop { .. } => self.budgets(request).await,
            Request::GetStorage => Ok(Reply::Storage(Box::new(self.storage().await?))),
            Request::CountErase { what } => self.count_erase(&what).await.map(Reply::Erased),
            Request::Erase { what } => self.erase(what).await.map(Reply::Erased),
            Request::Rebuild => self.rebuild().await,
            Request::GetProviders => self.providers().await,
            Request::CheckProviders => Ok(Reply::ProviderChecks(self.check_providers().await?)),
            Request::SetKey { provider, key } => self.set_key(&provider, &key).await,
            Request::RemoveKey { provider } => self.remove_key(&provider).await,
            Request::TestKey { provider, key } => self.test_key(&provider, key).await.map(Reply::KeyTest),
            Request::UnlockKeychain => self.unlock_keychain().await,
            Request::AddLocalKey { name } => self.add_local_key(&name).await,
            Request::RemoveLocalKey { name } => self.remove_local_key(&name).await,
        }
    }

    /// A whole body as text, for answers that carry it whole; bytes that are not UTF-8 are replaced.
    pub async fn whole_body(&self, id: CallId, side: BodySide) -> Result<String, ApiError> {
        let body = self.body(id, side).await?;
        Ok(String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    pub(crate) async fn call(&self, id: CallId) -> Result<CallDetail, ApiError> {
        let call = self.inner.store.call(id).await.map_err(internal)?;
        let call =
            call.ok_or_else(|| ApiError::new(ErrorKind::NotFound, "There is no call with this id."))?;
        Ok(self.explained(call))
    }

    async fn session(&self, session: SessionRef) -> Result<SessionDetail, ApiError> {
        let found = match self.session_key(session).await? {
            Some(key) => self.inner.store.session(key).await.map_err(internal)?,
            None => None,
        };
        found.ok_or_else(|| ApiError::new(ErrorKind::NotFound, "There is no such session."))
    }

    async fn timeline(&self, session: SessionRef) -> Result<Timeline, ApiError> {
        let found = match self.session_key(session).await? {
            Some(key) => self.inner.store.timeline(key).await.map_err(internal)?,
            None => None,
        };
        found.ok_or_else(|| ApiError::new(ErrorKind::NotFound, "There is no such session."))
    }

    async fn session_key(&self, session: SessionRef) -> Result<Option<u64>, ApiError> {
        match session {
            SessionRef::Key(key) => Ok(Some(key)),
            SessionRef::Id(id) => self.inner.store.session_key(&id).await.map_err(internal),
        }
    }

    pub(crate) async fn body(&self, id: CallId, side: BodySide) -> Result<Vec<u8>, ApiError> {
        Ok(self.inner.store.body(id, side).await.map_err(internal)?.unwrap_or_default())
    }
}

/// A stretch of time that bars can be drawn over.
fn check_span(from_ms: i64, to_ms: i64) -> Result<(), ApiError> {
    if from_ms >= to_ms {
        return Err(ApiError::parameter("to_ms", "to_ms must be after from_ms"));
    }
    if to_ms.checked_sub(from_ms).is_none_or(|span| span > LONGEST_SPAN_MS) {
        return Err(ApiError::parameter("from_ms", "from_ms and to_ms must lie within a thousand years"));
    }
    Ok(())
}

/// Details go to the log; the caller learns that it is our fault.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(crate) fn internal(error: store::StoreError) -> ApiError {
    if error.is_closed() {
        return ApiError::new(ErrorKind::Unavailable, "LLMFlow is stopping.");
    }
    tracing::error!(%error, "a question could not be answered");
    ApiError::new(ErrorKind::Internal, "The store could not answer. LLMFlow's log says why.")
}

/// A part of a body as text, cut at characters' boundaries.
fn part(body: &[u8], offset: u64, limit: u64) -> BodyText {
    let at = |value: u64| usize::try_from(value).unwrap_or(usize::MAX).min(body.len());
    let start = boundary(body, at(offset));
    let end = boundary(body, at(offset.saturating_add(limit.min(LARGEST_PART)))).max(start);
    let bytes = body.get(start..end).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let binary = matches!(text, std::borrow::Cow::Owned(_));
    BodyText {
        text: text.into_owned(),
        offset: start as u64,
        next: end as u64,
        total: body.len() as u64,
        binary,
    }
}

/// The nearest start of a character at or before `at`; `at` itself in what is not UTF-8.
fn boundary(body: &[u8], at: usize) -> usize {
    let is_inside = |index: &usize| body.get(*index).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at.saturating_sub(3)..=at).rev().find(|index| !is_inside(index)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_never_split_a_character_and_join_to_the_whole() {
        let body = "aé🌍z".as_bytes();
        for limit in 4..9 {
            let (mut offset, mut text) = (0, String::new());
            while offset < body.len() as u64 {
                let part = part(body, offset, limit);
                assert!(!part.binary && part.next > offset);
                text.push_str(&part.text);
                offset = part.next;
            }
            assert_eq!(text, "aé🌍z");
        }
        assert_eq!(part(body, 99, 5).text, "");
        assert!(part(&[0xff, 0xfe], 0, 9).binary);
    }
}
