//! Whether all is well: sources, completeness, and what to do about what is not.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use api::{ApiError, CallFilter, Collected, Completeness, Health, HealthStatus, SourceState, SourceStatus};

use super::internal;
use crate::Engine;
use crate::pipeline::millis;
use crate::supervisor::{OTLP_GRPC, OTLP_HTTP};

impl Engine {
    /// How everything is; `None` when the store does not answer.
    pub async fn health_now(&self) -> Option<Health> {
        self.health().await.ok()
    }

    pub(super) async fn health(&self) -> Result<Health, ApiError> {
        let inner = &self.inner;
        let completeness = self.completeness();
        let sources = inner.sources.list();
        let mut problems = inner.notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let failed = sources.iter().filter_map(|source| match &source.state {
            SourceState::Failed { message } => Some(not_listening(&source.name, message)),
            SourceState::Running { .. } | SourceState::Paused { .. } | SourceState::Stopped => None,
        });
        let failed: Vec<String> = failed.collect();
        let trouble =
            |trouble: &Mutex<Option<String>>| trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let cannot_store = trouble(&inner.tally.trouble).or_else(|| trouble(&inner.collected.trouble));
        let clock = inner.clock.trouble();
        let degraded =
            !failed.is_empty() || completeness.lost > 0 || cannot_store.is_some() || clock.is_some();
        problems.extend(clock);
        problems.extend(failed);
        problems.extend(cannot_store.as_ref().map(|reason| self.unwritable(reason, completeness.waiting)));
        problems.extend(sources.iter().filter_map(|source| self.switched(source)));
        problems.extend(inner.prices.trouble().map(|reason| {
            format!("Your own prices cannot be used: {reason}. Mend prices.json in the data folder by hand, then start LLMFlow again.")
        }));
        if completeness.lost > 0 {
            problems.push(format!(
                "{} calls went through but could not be recorded. Check the free space of {} and that no other program holds the database; the log says more.",
                completeness.lost,
                inner.settings.data_dir.display()
            ));
        }
        let refused = inner.counters.refused.load(Ordering::Relaxed);
        if refused > 0 {
            problems.push(format!(
                "{refused} connections or calls were turned away, since {} were open. If that many are meant, raise max_connections in the settings.",
                inner.settings.max_connections
            ));
        }
        let turned_away = inner.inbox.counts().turned_away.load(Ordering::Relaxed);
        if turned_away > 0 {
            problems.push(format!(
                "{turned_away} connections of senders of telemetry were closed at once, since {} were open, which is the most that LLMFlow takes on a port. Let them share connections, or look who opens so many.",
                collector::CONNECTIONS
            ));
        }
        let every_call = CallFilter { side_calls: true, ..CallFilter::default() };
        Ok(Health {
            status: if degraded { HealthStatus::Degraded } else { HealthStatus::Ok },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: inner.started.elapsed().as_secs(),
            sources,
            completeness,
            collected: self.collected().await?,
            calls: inner.store.count_calls(&every_call).await.map_err(internal)?,
            disk_bytes: inner.store.disk_bytes(),
            retention: inner.upkeep.retention(inner.limits()),
            data_dir: inner.proof.folder().to_owned(),
            price_date: inner.prices.now().date().to_owned(),
            cannot_store,
            problems,
        })
    }

    /// What came over OTLP since start, and what of it is not joined with calls yet.
    async fn collected(&self) -> Result<Collected, ApiError> {
        let inner = &self.inner;
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (counts, tally) = (inner.inbox.counts(), &inner.collected);
        let (waiting, since_ms) = inner.store.backlog().await.map_err(internal)?;
        let lag = since_ms.map_or(0, |since| millis(SystemTime::now()).saturating_sub(since));
        Ok(Collected {
            spans: read(&tally.spans),
            logs: read(&tally.logs),
            points: read(&tally.points),
            rejected: read(&counts.rejected),
            refused: read(&counts.refused),
            unreadable: read(&counts.unreadable),
            paused: read(&counts.paused),
            waiting,
            lag_ms: lag.max(0).unsigned_abs(),
        })
    }

    fn unwritable(&self, reason: &str, waiting: u64) -> String {
        let calls = if waiting == 1 { "1 call waits".to_owned() } else { format!("{waiting} calls wait") };
        format!(
            "LLMFlow cannot write to {}: {reason}; {calls} to be stored, in memory. Make room on its disk, or close the program that holds the database; it is tried again all the time.",
            self.inner.proof.folder()
        )
    }

    /// What somebody switched off and may have forgotten. It is as it was asked for, so nothing is wrong.
    fn switched(&self, source: &SourceStatus) -> Option<String> {
        if let Some(over) = otlp(&source.name) {
            let port = if source.name == OTLP_HTTP {
                self.inner.settings.otlp_http_port
            } else {
                self.inner.settings.otlp_grpc_port
            };
            return match source.state {
                SourceState::Paused { .. } => Some(format!(
                    "{over} is paused: senders are told that nothing is kept. Resume it on the dashboard."
                )),
                SourceState::Stopped if port != 0 => Some(format!(
                    "{over} is switched off: what tools report there is not kept. Switch it on on the dashboard."
                )),
                SourceState::Running { .. } | SourceState::Stopped | SourceState::Failed { .. } => None,
            };
        }
        match source.state {
            SourceState::Paused { .. } => Some(
                "Recording is paused: calls go through and are not recorded. Resume it here or with llmflow proxy resume.".to_owned(),
            ),
            SourceState::Stopped if self.inner.settings.proxy_port != 0 => Some(
                "The proxy is switched off: tools that point at it fail. Switch it on here or with llmflow proxy on.".to_owned(),
            ),
            SourceState::Running { .. } | SourceState::Stopped | SourceState::Failed { .. } => None,
        }
    }

    /// Every call since start: recorded, lost, still open, or over and waiting to be stored.
    pub(crate) fn completeness(&self) -> Completeness {
        let inner = &self.inner;
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        // Read what ends calls first, so that a call between the two is counted as open, never twice.
        let recorded = read(&inner.tally.recorded);
        let lost = read(&inner.counters.lost) + read(&inner.tally.lost);
        let ended = read(&inner.counters.ended);
        let seen = read(&inner.counters.seen);
        Completeness {
            seen,
            recorded,
            open: seen.saturating_sub(ended),
            waiting: ended.saturating_sub(recorded + lost),
            lost,
            cut: read(&inner.counters.cut),
            paused: read(&inner.counters.paused),
        }
    }
}

/// An OTLP listener's name in sentences.
fn otlp(name: &str) -> Option<&'static str> {
    match name {
        OTLP_HTTP => Some("OTLP over HTTP"),
        OTLP_GRPC => Some("OTLP over gRPC"),
        _ => None,
    }
}

fn not_listening(name: &str, message: &str) -> String {
    match otlp(name) {
        Some(over) => format!(
            "{over} does not listen: {message}. If another collector should have that port, set it to 0; the dashboard's port takes OTLP over HTTP, too."
        ),
        None => format!("The {name} does not listen: {message}."),
    }
}
