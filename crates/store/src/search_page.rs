//! A page of what search finds, newest or best first, and where rows of lists say what is looked for.
//! Leaves out what is looked for (`search`) and how a stretch is chosen (`snippet`).

use std::collections::HashMap;

use api::{CallFilter, CallId, CallSummary, SearchHit, SearchOrder, SearchPage, Snippet, Snippets};
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::filter::push_newest_where;
use crate::row::{SUMMARY_COLUMNS, summary};
use crate::search::{Search, Term, Text};
use crate::snippet::snippet;
use crate::telemetry::log_key;
use crate::text::common::Order;
use crate::{Store, StoreError};

const LARGEST_PAGE: u32 = 200;
/// The best come first of so many, the newest that were found: their texts are read for it.
const COMPARED: u32 = 200;
/// Rows of which snippets are asked for at once.
const SNIPPETS: usize = 200;
/// Calls of a trace whose texts are read together.
const READ_AT_ONCE: usize = 32;
/// Places of a term beyond this make a text no better.
const PLACES: usize = 16;

impl Store {
    /// A page of the calls that match.
    pub async fn search(
        &self,
        filter: &CallFilter,
        order: SearchOrder,
        limit: u32,
        offset: u32,
        before: Option<CallId>,
    ) -> Result<SearchPage, StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let search = Search::new(filter.text.as_deref().unwrap_or_default());
        let best = order == SearchOrder::Best && !search.terms.is_empty();
        let (most, skipped) = if best { (COMPARED, 0) } else { (limit, offset) };
        let found = self.find(filter).await?;
        let before = before.filter(|_| !best);
        let before = before.as_ref().map(|before| before.as_bytes().as_slice());
        let mut attempt = 0;
        let rows = loop {
            let recent =
                self.recent(found.as_ref(), Order::Id(before), most.saturating_add(skipped), attempt).await?;
            let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
            query.push(SUMMARY_COLUMNS).push(", call.seq AS seq FROM call");
            push_newest_where(&mut query, filter, found.as_ref(), recent.as_ref());
            if let Some(before) = before {
                query.push(" AND id < ").push_bind(before.to_vec());
            }
            query.push(" ORDER BY id DESC LIMIT ").push_bind(most).push(" OFFSET ").push_bind(skipped);
            let rows = query.build().persistent(false).fetch_all(&self.inner.read).await?;
            // Too few of the newest have it: then more are looked at.
            if rows.len() >= most as usize || recent.is_none() {
                break rows;
            }
            attempt += 1;
        };
        let mut calls: Vec<(i64, CallSummary)> = Vec::with_capacity(rows.len());
        for row in &rows {
            calls.push((row.try_get("seq")?, summary(row)?));
        }
        let seqs: Vec<i64> = calls.iter().map(|(seq, _)| *seq).collect();
        let texts: HashMap<i64, Vec<String>> = match search.terms.is_empty() {
            true => HashMap::new(),
            false => self.texts_of(&seqs).await?.into_iter().collect(),
        };
        let said = |seq: &i64| texts.get(seq).map(Vec::as_slice).unwrap_or_default();
        if best {
            let mut scored: Vec<(f64, (i64, CallSummary))> =
                calls.into_iter().map(|call| (score(&search, said(&call.0)), call)).collect();
            scored.sort_by(|one, other| other.0.total_cmp(&one.0));
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            calls = scored.into_iter().map(|(_, call)| call).skip(from).take(limit as usize).collect();
        }
        let hit = |(seq, call): (i64, CallSummary)| SearchHit { call, snippet: snippet(&search, said(&seq)) };
        let total = self.count_found(filter, found.as_ref()).await?;
        Ok(SearchPage {
            hits: calls.into_iter().map(hit).collect(),
            total,
            compared: best.then(|| total.min(u64::from(COMPARED))),
            reading: found.and_then(|found| found.reading),
            lag: self.search_lag().await?,
        })
    }

    /// Where these calls, traces and log records say what `text` looks for; without those that do not.
    pub async fn snippets(
        &self,
        text: &str,
        calls: &[CallId],
        traces: &[String],
        logs: &[String],
    ) -> Result<Snippets, StoreError> {
        let search = Search::new(text);
        let mut found = Snippets::default();
        if search.terms.is_empty() {
            return Ok(found);
        }
        found.calls = self.call_snippets(&search, calls).await?;
        for trace in traces.iter().take(SNIPPETS) {
            if let Some(snippet) = self.trace_snippet(&search, trace).await? {
                found.traces.push((trace.clone(), snippet));
            }
        }
        for id in logs.iter().take(SNIPPETS) {
            let Some(key) = log_key(id) else { continue };
            if let Some(snippet) = self.log_texts_of(key).await?.and_then(|texts| snippet(&search, &texts)) {
                found.logs.push((id.clone(), snippet));
            }
        }
        Ok(found)
    }

    async fn call_snippets(
        &self,
        search: &Search,
        calls: &[CallId],
    ) -> Result<Vec<(CallId, Snippet)>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT seq, id FROM call WHERE id IN (");
        let mut list = query.separated(", ");
        for call in calls.iter().take(SNIPPETS) {
            list.push_bind(call.as_bytes().to_vec());
        }
        query.push(")");
        let rows: Vec<(i64, Vec<u8>)> =
            query.build_query_as().persistent(false).fetch_all(&self.inner.read).await?;
        let ids: HashMap<i64, CallId> =
            rows.into_iter().filter_map(|(seq, id)| Some((seq, CallId::from_slice(&id)?))).collect();
        let seqs: Vec<i64> = ids.keys().copied().collect();
        let texts = self.texts_of(&seqs).await?;
        let told = texts.iter().filter_map(|(seq, texts)| Some((*ids.get(seq)?, snippet(search, texts)?)));
        Ok(told.collect())
    }

    /// Of the newest call of a trace that says it.
    async fn trace_snippet(&self, search: &Search, trace: &str) -> Result<Option<Snippet>, StoreError> {
        let filter =
            CallFilter { trace_id: Some(trace.to_owned()), side_calls: true, ..CallFilter::default() };
        let words = search.of_words(&self.alike(search, "call_vocabulary").await?);
        let listed = self.listed(&filter, words.as_deref(), i64::MAX).await?;
        let mut rows = listed.map(|listed| listed.rows).unwrap_or_default();
        rows.reverse();
        for some in rows.chunks(READ_AT_ONCE) {
            let texts: HashMap<i64, Vec<String>> = self.texts_of(some).await?.into_iter().collect();
            let says = some.iter().filter_map(|row| texts.get(row)).find(|texts| search.matches(texts));
            if let Some(texts) = says {
                return Ok(snippet(search, texts));
            }
        }
        Ok(None)
    }
}

/// How well texts answer: every term counts by how often it stands there, the less the more it does already and the longer
/// the texts are; whole words more than beginnings, and a text that has all of them most.
fn score(search: &Search, texts: &[String]) -> f64 {
    let looked: Vec<Text<'_>> = texts.iter().map(|text| Text::new(text)).collect();
    let length: usize = texts.iter().map(String::len).sum();
    let mut score = 0.0;
    let mut together = vec![0_usize; looked.len()];
    for term in &search.terms {
        let mut places = 0.0;
        for (text, together) in looked.iter().zip(&mut together) {
            let found = text.find(term, PLACES);
            *together += usize::from(!found.is_empty());
            places += found.iter().map(|found| if found.whole { 1.0 } else { 0.4 }).sum::<f64>();
        }
        score += places / (places + weight(length));
    }
    let terms = search.terms.len();
    if terms > 1 && together.contains(&terms) {
        score += 0.5;
        let phrase = Term::together(&search.terms);
        let stands = phrase.is_some_and(|phrase| looked.iter().any(|text| text.has(&phrase)));
        score += if stands { 1.0 } else { 0.0 };
    }
    score
}

/// Longer texts say everything a little.
#[expect(clippy::cast_precision_loss, reason = "a length of text")]
fn weight(length: usize) -> f64 {
    0.5 + (length as f64 / 4_096.0).min(8.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(typed: &str, text: &str) -> f64 {
        score(&Search::new(typed), &[text.to_owned()])
    }

    #[test]
    fn better_answers_score_more() {
        assert!(scored("cat", "cat cat cat") > scored("cat", "cat dog"));
        assert!(scored("cat", "a cat") > scored("cat", "a category"));
        assert!(scored("red fox", "the red fox") > scored("red fox", "the fox is red"));
        assert!(scored("cat", "a cat") > scored("cat", &format!("a cat {}", "and so on ".repeat(2_000))));
        assert!(scored("cat", "dog") < f64::EPSILON);
    }
}
