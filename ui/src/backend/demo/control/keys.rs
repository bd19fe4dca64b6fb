//! Invented providers, keys and local keys. `?demo=locked`, `absent` and `asking` are keychains; `many` has many keys.

use api::{
    ApiError, KeyOrigin, KeyTest, KeychainState, LocalKey, MadeKey, ProviderStatus, Providers, Reply,
    Request, Secret,
};

/// How every invented key ends.
const HINT: &str = "4e57";

pub(super) struct Keys {
    shown: Providers,
    now_ms: i64,
}

impl Keys {
    pub(super) fn make(word: &str, now_ms: i64) -> Self {
        let keychain = match word {
            "locked" => KeychainState::Locked,
            "asking" => KeychainState::Asking,
            "absent" => KeychainState::Absent {
                message: "No Secret Service answers on the session bus. Install and start gnome-keyring or KWallet.".into(),
            },
            _ => KeychainState::Ready,
        };
        let ready = keychain == KeychainState::Ready;
        let local = |name: &str, ago: i64, used: Option<i64>| {
            local_key(name, now_ms - ago, used.map(|ago| now_ms - ago))
        };
        let local_keys = match word {
            "0" => Vec::new(),
            "many" => (0..140)
                .map(|at| {
                    local(&format!("team-{at:03}"), at * 3_600_000, (at % 3 == 0).then_some(at * 60_000))
                })
                .collect(),
            _ => vec![
                local("claude-code", 9 * 86_400_000, Some(24_000)),
                local("nightly-eval", 86_400_000, Some(3_700_000)),
                local("notebook", 1_200_000, None),
            ],
        };
        let shown = Providers {
            keychain,
            providers: providers(now_ms, ready, word),
            local_keys,
            local_keys_required: false,
        };
        Self { shown, now_ms }
    }

    pub(super) fn require(&mut self, required: bool) {
        self.shown.local_keys_required = required;
    }

    pub(super) fn answer(&mut self, request: &Request) -> Option<Result<Reply, ApiError>> {
        match request {
            Request::GetProviders => {}
            Request::SetKey { provider, key } => {
                let hint: String =
                    key.reveal().chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
                self.set(provider, KeyOrigin::Keychain { hint, mark: "[key:7d01…]".into() });
            }
            Request::RemoveKey { provider } => self.set(provider, KeyOrigin::None),
            Request::TestKey { provider, key } => {
                return Some(Ok(Reply::KeyTest(test(provider, key.as_ref().map(api::Secret::reveal)))));
            }
            Request::UnlockKeychain => {
                self.shown.keychain = KeychainState::Ready;
                self.shown.providers = providers(self.now_ms, true, "");
            }
            Request::AddLocalKey { name } => {
                self.shown.local_keys.insert(0, local_key(name, self.now_ms, None));
                let key = Secret::new(format!("lf-{name}-8f3a1b6c90d24e578f3a1b6c90d2{HINT}"));
                let providers = self.shown.clone();
                return Some(Ok(Reply::LocalKey(Box::new(MadeKey { key, providers }))));
            }
            Request::RemoveLocalKey { name } => self.shown.local_keys.retain(|key| key.name != *name),
            _ => return None,
        }
        Some(Ok(Reply::Providers(Box::new(self.shown.clone()))))
    }

    fn set(&mut self, provider: &str, key: KeyOrigin) {
        for known in self.shown.providers.iter_mut().filter(|known| known.name == provider) {
            known.key = key.clone();
        }
    }
}

fn local_key(name: &str, created_ms: i64, last_used_ms: Option<i64>) -> LocalKey {
    LocalKey { name: name.into(), hint: HINT.into(), created_ms, last_used_ms }
}

fn test(provider: &str, key: Option<&str>) -> KeyTest {
    if provider == "ollama" {
        return KeyTest {
            accepted: false,
            status: None,
            message: "Nothing listens on localhost:11434. Start Ollama, then test again.".into(),
            duration_us: 3_100,
            models: None,
        };
    }
    if key.is_some_and(|key| !key.starts_with("sk-")) {
        return KeyTest {
            accepted: false,
            status: Some(401),
            message: "The provider does not know this key. Copy it again from its console.".into(),
            duration_us: 212_000,
            models: None,
        };
    }
    let message = "The key works. Nothing was billed.".to_owned();
    KeyTest { accepted: true, status: Some(200), message, duration_us: 312_000, models: Some(84) }
}

fn providers(now_ms: i64, ready: bool, word: &str) -> Vec<ProviderStatus> {
    let chain = |hint: &str| match ready {
        true => KeyOrigin::Keychain { hint: hint.into(), mark: "[key:ab12…]".into() },
        false => KeyOrigin::None,
    };
    let environment = |variable: &str, hint: &str| KeyOrigin::Environment {
        variable: variable.into(),
        hint: hint.into(),
        mark: "[key:09fe…]".into(),
    };
    let none = KeyOrigin::None;
    let aws = api::AwsState {
        region: Some("eu-central-1".into()),
        source: Some("SSO".into()),
        hint: Some("7QXA".into()),
        ..api::AwsState::default()
    };
    let long =
        "https://gateway.internal.example.com/tenants/0b4f2c66-7d1e-4c1b/providers/eu-central-1/mistral";
    let rows = [
        (
            "openai",
            "OpenAI",
            "https://api.openai.com",
            false,
            environment("OPENAI_API_KEY", "Kd0q"),
            238,
            2,
            Some(13_000),
        ),
        ("anthropic", "Anthropic", "https://api.anthropic.com", false, chain("w7AA"), 1_015, 6, Some(9_000)),
        (
            "gemini",
            "Google Gemini",
            "https://generativelanguage.googleapis.com",
            false,
            none.clone(),
            31,
            0,
            Some(960_000),
        ),
        (
            "bedrock",
            "Amazon Bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            false,
            KeyOrigin::Aws(aws),
            18,
            0,
            Some(610_000),
        ),
        ("helicone", "Helicone", "https://oai.helicone.ai", false, none.clone(), 0, 0, None),
        ("cohere", "Cohere", "https://api.cohere.com", false, none.clone(), 0, 0, None),
        ("groq", "Groq", "https://api.groq.com", false, chain("9xQz"), 12, 1, Some(7_400_000)),
        ("mistral", "Mistral", long, true, none.clone(), 0, 0, Some(3 * 86_400_000)),
        ("together", "Together", "https://api.together.xyz", false, none.clone(), 0, 0, None),
        ("perplexity", "Perplexity", "https://api.perplexity.ai", false, none.clone(), 0, 0, None),
        ("openrouter", "OpenRouter", "https://openrouter.ai", false, none, 4, 0, Some(44_000_000)),
        ("azure", "Azure OpenAI", "https://{resource}.openai.azure.com", false, KeyOrigin::None, 0, 0, None),
        ("corp", "Corp gateway", "https://llm.corp.example", true, KeyOrigin::None, 3, 0, Some(5_200_000)),
        ("ollama", "Ollama", "http://localhost:11434", false, KeyOrigin::NotNeeded, 61, 0, Some(1_100_000)),
    ];
    let row = |(name, display, base_url, custom, key, calls, errors, ago): (
        &str,
        &str,
        &str,
        bool,
        KeyOrigin,
        u64,
        u64,
        Option<i64>,
    )| {
        let quiet = word == "0";
        ProviderStatus {
            name: name.into(),
            display_name: display.into(),
            speaks: if name == "corp" { "openai" } else { name }.into(),
            variable: Some(format!("{}_API_KEY", name.to_uppercase())),
            base_url: base_url.into(),
            custom,
            route: if calls > 200 || name == "gemini" {
                format!("/passthrough/{name}")
            } else {
                format!("/{name}")
            },
            key: if quiet && key != KeyOrigin::NotNeeded { KeyOrigin::None } else { key },
            calls: if quiet { 0 } else { calls },
            errors: if quiet { 0 } else { errors },
            last_ms: ago.filter(|_| !quiet).map(|ago| now_ms - ago),
        }
    };
    rows.into_iter().map(row).collect()
}
