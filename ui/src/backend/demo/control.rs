//! The invented proxy's switch. `?demo=paused`, `off` and `failed` begin that way.

mod keys;
mod settings;

use api::{ApiError, ErrorKind, Reply, Request, SourceState, SourceStatus, SourceTarget, Stranded};

pub(super) struct Control {
    pub(super) proxy: SourceState,
    keys: keys::Keys,
    settings: api::SettingsView,
    now_ms: i64,
}

fn storage(now_ms: i64) -> api::Storage {
    let part =
        |name: &str, bytes: u64, rows: Option<u64>| api::StoragePart { name: name.into(), bytes, rows };
    api::Storage {
        disk_bytes: 418_000_000,
        free_bytes: 0,
        parts: vec![
            part("bodies", 231_000_000, None),
            part("search", 74_000_000, None),
            part("calls", 41_000_000, Some(98_112)),
            part("reports", 32_000_000, None),
            part("spans", 17_000_000, Some(112_400)),
            part("logs", 12_000_000, Some(61_220)),
            part("other", 11_000_000, None),
        ],
        oldest_ms: Some(now_ms - 41 * 86_400_000),
        retention: api::Retention {
            limits: api::Limits { days: Some(90), bytes: Some(5_000_000_000), ..api::Limits::default() },
            ..api::Retention::default()
        },
    }
}

fn addresses() -> Vec<String> {
    vec!["127.0.0.1:8080".into(), "[::1]:8080".into()]
}

impl Control {
    pub(super) fn make(word: &str, now_ms: i64) -> Self {
        let proxy = match word {
            "paused" => SourceState::Paused { addresses: addresses() },
            "off" => SourceState::Stopped,
            "failed" => SourceState::Failed {
                message:
                    "Port 8080 is taken by another program. Close it, or set PROXY_PORT to another port."
                        .into(),
            },
            _ => SourceState::Running { addresses: addresses() },
        };
        Self { proxy, keys: keys::Keys::make(word, now_ms), settings: settings::make(), now_ms }
    }

    /// The answer to a question about listeners, settings or keys; `None` to any other.
    pub(super) fn answer(&mut self, request: &Request) -> Option<Result<Reply, ApiError>> {
        Some(match request {
            Request::GetStorage => Ok(Reply::Storage(Box::new(storage(self.now_ms)))),
            Request::CountErase { .. } | Request::Erase { .. } => Ok(Reply::Erased(api::Erased {
                calls: 214,
                traces: 31,
                spans: 1_904,
                logs: 2_201,
                points: 0,
            })),
            Request::SetSource { to, .. } => Ok(Reply::Source(self.switch(*to))),
            Request::GetStranded { .. } => Ok(Reply::Stranded(stranded(self.now_ms))),
            Request::GetSettings => Ok(Reply::Settings(self.settings.clone())),
            Request::ChangeSetting { name, value } => self.change(name, value.as_deref()),
            _ => return self.keys.answer(request),
        })
    }

    fn switch(&mut self, to: SourceTarget) -> SourceStatus {
        self.proxy = match to {
            SourceTarget::Running | SourceTarget::Resumed => SourceState::Running { addresses: addresses() },
            SourceTarget::Paused => SourceState::Paused { addresses: addresses() },
            SourceTarget::Stopped => SourceState::Stopped,
        };
        SourceStatus { name: "proxy".into(), state: self.proxy.clone() }
    }

    fn change(&mut self, name: &str, value: Option<&str>) -> Result<Reply, ApiError> {
        if name == "local_keys_required" {
            self.keys.require(value == Some("true"));
        }
        let missing = || ApiError::new(ErrorKind::NotFound, "There is no such setting.");
        let setting =
            self.settings.settings.iter_mut().find(|setting| setting.name == name).ok_or_else(missing)?;
        settings::change(setting, value)?;
        Ok(Reply::Settings(self.settings.clone()))
    }
}

fn stranded(now_ms: i64) -> Vec<Stranded> {
    let tools = [
        (Some("claude-code"), 1_004, 2, 24_000),
        (Some("codex"), 142, 1, 13_000),
        (Some("nightly-eval <img src=x onerror=alert(1)>"), 96, 1, 9_000),
        (Some("aider"), 11, 0, 1_560_000),
        (None, 3, 0, 7_900_000),
    ];
    let stranded = |(client, calls, open, ago): (Option<&str>, u64, u64, i64)| Stranded {
        client: client.map(Into::into),
        calls,
        open,
        last_ms: now_ms - ago,
    };
    tools.into_iter().map(stranded).collect()
}
