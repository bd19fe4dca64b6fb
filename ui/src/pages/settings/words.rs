//! What settings are called and where they stand. Pure; a setting that is not known here is still shown.

/// A group of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Appearance,
    Recording,
    Budgets,
    Listeners,
    Desktop,
    Security,
    Storage,
    Providers,
    Other,
}

impl Group {
    pub const ALL: [Self; 9] = [
        Self::Appearance,
        Self::Recording,
        Self::Budgets,
        Self::Listeners,
        Self::Desktop,
        Self::Security,
        Self::Storage,
        Self::Providers,
        Self::Other,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Appearance => "Appearance",
            Self::Recording => "Recording",
            Self::Budgets => "Budgets",
            Self::Listeners => "Listeners",
            Self::Desktop => "Desktop",
            Self::Security => "Security",
            Self::Storage => "Storage",
            Self::Providers => "Provider addresses",
            Self::Other => "Other",
        }
    }

    /// What holds for all of its rows.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Appearance => "kept here, not in the file",
            Self::Budgets => "what may be spent; kept from what is recorded",
            Self::Providers => "where calls go, if not to the provider itself",
            _ => "",
        }
    }

    /// Its place on the page.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Appearance => "appearance",
            Self::Recording => "recording",
            Self::Budgets => "budgets",
            Self::Listeners => "listeners",
            Self::Desktop => "desktop",
            Self::Security => "security",
            Self::Storage => "storage",
            Self::Providers => "provider-addresses",
            Self::Other => "other",
        }
    }
}

/// How a setting is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub group: Group,
    pub label: String,
    /// Stands behind a number.
    pub unit: &'static str,
    /// The only values there are, with their names; none where anything may be typed.
    pub choices: &'static [(&'static str, &'static str)],
}

const LOOP_ACTIONS: [(&str, &str); 3] =
    [("off", "Do not look"), ("warn", "Warn"), ("refuse", "Refuse its calls")];

/// The words for the setting called `name`.
pub fn describe(name: &str) -> Words {
    let (group, label, unit) = match name {
        "max_body_mb" => (Group::Recording, "Largest body that is kept whole", "MB"),
        "memory_mb" => (Group::Recording, "Memory for bodies not stored yet", "MB"),
        "loop_action" => (Group::Budgets, "When a session goes in circles", ""),
        "loop_calls" => (Group::Budgets, "Equal steps in a row that are a loop", ""),
        "prices_url" => (Group::Recording, "Where newer prices are fetched from", ""),
        "prices_refresh_unknown" => (Group::Recording, "A model without a price fetches newer ones", ""),
        "proxy_port" => (Group::Listeners, "Port of the proxy", ""),
        "dashboard_port" => (Group::Listeners, "Port of the dashboard", ""),
        "otlp_http_port" => (Group::Listeners, "Port of OTLP over HTTP", ""),
        "otlp_grpc_port" => (Group::Listeners, "Port of OTLP over gRPC", ""),
        "otlp_max_body_mb" => (Group::Listeners, "Largest OTLP request", "MB"),
        "proxy_host" => (Group::Listeners, "Where else the proxy listens", ""),
        "dashboard_host" => (Group::Listeners, "Where else the dashboard listens", ""),
        "otlp_host" => (Group::Listeners, "Where else OTLP is taken", ""),
        "max_connections" => (Group::Listeners, "Most connections at one time", ""),
        "head_timeout_s" => (Group::Listeners, "Time for the head of a request", "s"),
        "shutdown_grace_s" => (Group::Listeners, "Time for calls under way when stopping", "s"),
        "close_to_tray" => (Group::Desktop, "Closing the window keeps LLMFlow in the tray", ""),
        "require_token" => (Group::Security, "Everybody shows the token", ""),
        "allow_other_users" => (Group::Security, "Programs of other users are let in", ""),
        "allowed_hosts" => (Group::Security, "Other names of this machine", ""),
        "allowed_origins" => (Group::Security, "Web pages that may call", ""),
        "allowed_upstreams" => (Group::Security, "Other hosts that clients may name", ""),
        "providers.azure.resource" => (Group::Providers, "azure: resource", ""),
        "providers.azure.api_version" => (Group::Providers, "azure: API version", ""),
        "upstream_proxy" => (Group::Providers, "The network’s proxy", ""),
        "bedrock" => (Group::Providers, "Amazon Bedrock", ""),
        "bedrock_region" => (Group::Providers, "bedrock: AWS region", ""),
        "keychain" => (Group::Security, "Keep keys in this system's keychain", ""),
        "local_keys_required" => (Group::Security, "Stored keys only for calls that carry a local key", ""),
        "data_dir" => (Group::Storage, "Data folder", ""),
        "keep_days" => (Group::Storage, "Keep for", "days"),
        "keep_mb" => (Group::Storage, "Largest database", "MB"),
        "max_traces" => (Group::Storage, "Most traces", ""),
        "max_logs" => (Group::Storage, "Most log records", ""),
        "max_metrics" => (Group::Storage, "Most metric points", ""),
        _ => return unlisted(name),
    };
    let choices: &[_] = if name == "loop_action" { &LOOP_ACTIONS } else { &[] };
    Words { group, label: label.to_owned(), unit, choices }
}

fn unlisted(name: &str) -> Words {
    let provider = name.strip_prefix("providers.").and_then(|rest| rest.strip_suffix(".base_url"));
    match provider {
        Some(provider) => {
            Words { group: Group::Providers, label: provider.to_owned(), unit: "", choices: &[] }
        }
        None => Words { group: Group::Other, label: spelled_out(name), unit: "", choices: &[] },
    }
}

/// `keep_days` as `Keep days`.
fn spelled_out(name: &str) -> String {
    let words = name.replace(['_', '.'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_nobody_named_is_still_readable() {
        assert_eq!(
            describe("keep_hours"),
            Words { group: Group::Other, label: "Keep hours".into(), unit: "", choices: &[] }
        );
        assert_eq!(describe("max_body_mb").unit, "MB");
        let address = describe("providers.groq.base_url");
        assert_eq!((address.group, address.label.as_str()), (Group::Providers, "groq"));
    }
}
