//! Pricing recorded calls again: some at a time, beside everything else that is written, with one audit row for each run.
//! Leaves out the rules (`model::pricing`) and the rows (`store`).

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use api::{ApiError, BodySide, CostSource, ErrorKind, Event, Money, RepriceScope, Repricing, RepricingState};
use model::dialect::{self, ByHeaders, Exchange};
use model::pricing::{Facts, Prices};
use store::{CostChange, Priceable, StoreError};

use crate::Engine;
use crate::pipeline::{facts, find, millis};

/// Calls that are looked at together.
const LOOKED: u32 = 256;
/// Calls that are changed in one transaction: whoever else writes waits for no more.
const CHANGED: usize = 64;
/// Letters of who asks.
const LONGEST: usize = 64;

/// What is priced again from what.
enum From {
    Facts(Box<Facts>),
    /// What it was priced by is not kept.
    Nothing,
}

impl Engine {
    /// Begins to price calls again, and says so. One run at a time.
    pub(crate) async fn reprice(
        &self,
        scope: RepriceScope,
        dry_run: bool,
        by: &str,
    ) -> Result<Repricing, ApiError> {
        let shelf = &self.inner.prices;
        let by: String = by.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
        let prices = shelf.now();
        let mut repricing = Repricing {
            at_ms: millis(SystemTime::now()),
            by: if by.trim().is_empty() { "somebody".to_owned() } else { by },
            version: prices.version(),
            scope,
            dry_run,
            ..Repricing::default()
        };
        {
            let mut current = super::lock(&shelf.inner.repricing);
            if current.as_ref().is_some_and(|current| current.state == RepricingState::Running) {
                return Err(ApiError::new(
                    ErrorKind::Unavailable,
                    "Calls are being priced again already. Wait until that is done.",
                ));
            }
            *current = Some(repricing.clone());
        }
        if !dry_run {
            match self.inner.store.begin_repricing(repricing.clone()).await {
                Ok(begun) => repricing = begun,
                Err(error) => {
                    let failed = Repricing { state: RepricingState::Broken, ..repricing };
                    shelf.set_repricing(&failed);
                    return Err(crate::commands::internal(error));
                }
            }
            shelf.set_repricing(&repricing);
        }
        let (engine, begun) = (self.clone(), repricing.clone());
        self.inner.tracker.spawn_on(
            async move { engine.reprice_all(prices, begun).await },
            &self.inner.background.handle(),
        );
        Ok(repricing)
    }

    async fn reprice_all(self, prices: Arc<Prices>, mut run: Repricing) {
        let begun = Instant::now();
        let done = self.reprice_some(&prices, &mut run, begun).await;
        run.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        run.state = if matches!(done, Ok(true)) { RepricingState::Done } else { RepricingState::Broken };
        run.error = match done {
            Ok(true) => None,
            Ok(false) => Some("LLMFlow stopped before all calls were looked at.".to_owned()),
            Err(error) => {
                tracing::error!(%error, "calls could not be priced again");
                Some("The store could not go on. LLMFlow's log says why.".to_owned())
            }
        };
        if run.id > 0
            && let Err(error) = self.inner.store.note_repricing(&run).await
        {
            tracing::error!(%error, "the end of a repricing could not be noted");
        }
        self.inner.prices.set_repricing(&run);
        self.inner.events.send(Event::PricesChanged);
    }

    /// Whether all calls were looked at.
    async fn reprice_some(
        &self,
        prices: &Arc<Prices>,
        run: &mut Repricing,
        begun: Instant,
    ) -> Result<bool, StoreError> {
        let store = &self.inner.store;
        let mut after = store.before_scope(&run.scope).await?;
        loop {
            if self.inner.quiet.is_cancelled() {
                return Ok(false);
            }
            let calls = store.priceable(&run.scope, after, LOOKED).await?;
            let Some(last) = calls.last() else { return Ok(true) };
            after = last.seq;
            let mut with_facts = Vec::with_capacity(calls.len());
            for call in calls {
                store.pace().give_way();
                let from = self.facts_of(&call).await?;
                with_facts.push((call, from));
            }
            let prices = prices.clone();
            let pace = store.pace().clone();
            let priced = tokio::task::spawn_blocking(move || {
                let price = |(call, from): (Priceable, From)| {
                    pace.give_way();
                    match from {
                        From::Facts(facts) => {
                            let cost = prices.price(&call.call, &facts);
                            (Some(cost), call)
                        }
                        From::Nothing => (None, call),
                    }
                };
                with_facts.into_iter().map(price).collect::<Vec<_>>()
            });
            let priced = priced.await.map_err(|error| StoreError::Database(Box::new(error)))?;
            let mut changes = Vec::new();
            for (cost, before) in priced {
                run.looked += 1;
                let known = before.call.cost.unwrap_or_default();
                run.before = run.before.saturating_add(known);
                match cost {
                    Some(cost) if before.differs(&cost) => changes.push(CostChange { before, cost }),
                    Some(_) => run.after = run.after.saturating_add(known),
                    None => {
                        run.left += 1;
                        run.after = run.after.saturating_add(known);
                    }
                }
            }
            for some in changes.chunks(CHANGED) {
                self.change_some(some, run, begun).await?;
            }
            self.inner.prices.set_repricing(run);
        }
    }

    async fn change_some(
        &self,
        changes: &[CostChange],
        run: &mut Repricing,
        begun: Instant,
    ) -> Result<(), StoreError> {
        let counted = |written: &dyn Fn(&CostChange) -> bool| {
            let mut run = run.clone();
            for change in changes {
                let is_written = written(change);
                let now = if is_written { change.cost.total } else { change.before.call.cost };
                run.after = run.after.saturating_add(now.unwrap_or(Money::ZERO));
                run.changed += u64::from(is_written);
                run.newly_priced += u64::from(is_written && change.before.becomes_known(&change.cost));
            }
            run.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            run
        };
        if run.dry_run {
            *run = counted(&|_| true);
            return Ok(());
        }
        let so_far = |ids: &[api::CallId]| counted(&|change| ids.contains(&change.before.call.id));
        let (ids, now) = self.inner.store.change_costs(changes, so_far).await?;
        *run = now;
        self.inner.events.calls_changed(ids);
        Ok(())
    }

    /// What a call is priced by: as it was kept, or read once more from what was recorded.
    async fn facts_of(&self, call: &Priceable) -> Result<From, StoreError> {
        if let Some(facts) = call.billed.as_deref().and_then(Facts::from_text) {
            return Ok(From::Facts(Box::new(facts)));
        }
        let row = &call.call;
        if !call.is_proxied() {
            let reported = row.cost.filter(|_| row.cost_source == CostSource::Reported);
            return Ok(match row.cost_source {
                CostSource::Unknown | CostSource::Reported => {
                    From::Facts(Box::new(Facts { reported, ..Facts::default() }))
                }
                _ => From::Nothing,
            });
        }
        let store = &self.inner.store;
        let Some(detail) = store.call(row.id).await? else { return Ok(From::Nothing) };
        let response = store.body(row.id, BodySide::Response).await?.unwrap_or_default();
        if detail.response_body.cut || detail.response_body.stored_bytes != response.len() as u64 {
            return Ok(From::Nothing);
        }
        let request = store.body(row.id, BodySide::Request).await?.unwrap_or_default();
        let found = self.inner.upstreams.providers().find(&row.provider);
        let speaks = found.map_or(row.provider.as_str(), |provider| provider.speaks.as_str());
        let path = detail.translated.as_ref().map_or(&row.path, |translated| &translated.upstream_path);
        let exchange = Exchange {
            dialect: dialect::classify(speaks, &row.method, path),
            provider: speaks,
            path,
            request: &request,
            response: &response,
            status: row.status,
            content_type: detail.response_body.content_type.as_deref(),
            by_headers: ByHeaders::of(|name| find(&detail.response_headers, name)),
        };
        let reading = dialect::read(&exchange);
        let headers = &detail.request_headers;
        let prices = self.inner.prices.now();
        let asked = facts::Asked { speaks, upstream: &detail.upstream, path, at_ms: row.started_ms };
        Ok(From::Facts(Box::new(facts::of(&reading, &asked, &prices, |name| find(headers, name)))))
    }
}
