//! The Models page and `llmflow prices`: the models that calls used, the price table, own prices, refreshing, and pricing
//! calls again.

use std::cmp::Reverse;
use std::time::SystemTime;

use api::{
    ApiError, ErrorKind, Event, ModelUse, Models, PriceRow, PriceTables, PricesPage, Reply, Repricing,
    RepricingState, Request,
};
use model::pricing::{PriceMatch, Prices};

use super::internal;
use crate::Engine;
use crate::pipeline::millis;
use crate::prices::own::NotChanged;

const LARGEST_PAGE: u32 = 500;

impl Engine {
    pub(super) async fn prices(&self, request: Request) -> Result<Reply, ApiError> {
        match request {
            Request::GetModels { from_ms } => Ok(Reply::Models(Box::new(self.models(from_ms).await?))),
            Request::FindPrices { text, limit, offset } => {
                Ok(Reply::Prices(self.find_prices(&text, limit, offset)))
            }
            Request::SetPrice { price } => {
                let set = self.inner.prices.set_own(price).await;
                self.own_changed(set)
            }
            Request::RemovePrice { model, valid_from } => {
                let removed = self.inner.prices.remove_own(&model, valid_from.as_deref()).await;
                self.own_changed(removed)
            }
            Request::RefreshPrices { from, valid_from, dry_run } => {
                let refresh = self.refresh_prices(from.as_deref(), valid_from, dry_run).await?;
                Ok(Reply::PriceRefresh(Box::new(refresh)))
            }
            Request::Reprice { scope, dry_run, by } => {
                Ok(Reply::Repricing(Box::new(self.reprice(scope, dry_run, &by).await?)))
            }
            // The others are answered elsewhere.
            _ => Ok(Reply::Repricings(self.repricings().await?)),
        }
    }

    async fn models(&self, from_ms: Option<i64>) -> Result<Models, ApiError> {
        let mut models = self.inner.store.models(from_ms.unwrap_or(i64::MIN)).await.map_err(internal)?;
        let (prices, now_ms) = (self.inner.prices.now(), millis(SystemTime::now()));
        for used in &mut models {
            used.price = price_of(&prices, used, now_ms);
        }
        models.sort_by_key(|used| {
            (
                Reverse(used.unpriced > 0),
                Reverse(used.unpriced),
                Reverse(used.cost.max(used.equivalent)),
                Reverse(used.calls),
            )
        });
        Ok(Models { models, tables: self.price_tables(), repricings: self.repricings().await? })
    }

    fn price_tables(&self) -> PriceTables {
        let live = self.live();
        self.inner.prices.tables(&live.prices_url, live.prices_refresh_unknown)
    }

    fn find_prices(&self, text: &str, limit: u32, offset: u32) -> PricesPage {
        let prices = self.inner.prices.now();
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let keys = prices.keys();
        let has = |key: &&&str| {
            let key = key.to_lowercase();
            words.iter().all(|word| key.contains(word))
        };
        let found: Vec<&&str> = keys.iter().filter(has).collect();
        let (offset, limit) = (offset as usize, limit.clamp(1, LARGEST_PAGE) as usize);
        let part = found.iter().skip(offset).take(limit);
        PricesPage {
            rows: part.filter_map(|key| prices.history(key).first().map(row)).collect(),
            total: found.len() as u64,
        }
    }

    fn own_changed(&self, done: Result<(), NotChanged>) -> Result<Reply, ApiError> {
        done.map_err(|refused| match refused {
            NotChanged::Wrong(reason) => ApiError::parameter("price", format!("{reason}.")),
            NotChanged::Missing => ApiError::new(ErrorKind::NotFound, "There is no such price of your own."),
            NotChanged::File(reason) => ApiError::new(ErrorKind::Unavailable, reason),
        })?;
        self.inner.events.send(Event::PricesChanged);
        Ok(Reply::PriceTables(Box::new(self.price_tables())))
    }

    /// What was priced again; one that only looks stands before those that are in the store.
    async fn repricings(&self) -> Result<Vec<Repricing>, ApiError> {
        let mut all = self.inner.store.repricings().await.map_err(internal)?;
        if let Some(current) = self.inner.prices.repricing() {
            match all.iter_mut().find(|known| known.id == current.id) {
                Some(known) => *known = current,
                None => all.insert(0, current),
            }
        }
        // Nobody is at work on those that an earlier start left.
        let mine = self.inner.prices.repricing().map(|current| current.id);
        for known in all.iter_mut().filter(|known| Some(known.id) != mine) {
            if known.state == RepricingState::Running {
                known.state = RepricingState::Broken;
            }
        }
        Ok(all)
    }
}

fn price_of(prices: &Prices, used: &ModelUse, now_ms: i64) -> Option<PriceRow> {
    let name = used.priced_as.as_ref().or(used.model.as_ref())?;
    let found = prices.find(&used.provider, name, now_ms)?;
    Some(row(&found)).filter(|row| !row.rates.is_empty())
}

fn row(found: &PriceMatch) -> PriceRow {
    PriceRow {
        key: found.key.clone(),
        matched: found.matched.clone(),
        origin: found.origin,
        date: found.date.clone(),
        valid_from: found.valid_from.clone(),
        base_key: found.base_key.clone(),
        rates: found.rates(),
    }
}
