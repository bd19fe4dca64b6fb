//! Invented settings: one of each kind and each origin.

use api::{ApiError, Setting, SettingKind, SettingOrigin, SettingsView};

pub(super) fn make() -> SettingsView {
    use SettingKind::{List, Number, Switch, Text};
    let mut settings = vec![
        setting(
            "proxy_port",
            "Where the LLM proxy listens, on this machine only. 0: not at all.",
            Number,
            "8080",
        ),
        setting(
            "dashboard_port",
            "Where the dashboard and its API listen, on this machine only. 0: not at all.",
            Number,
            "3000",
        ),
        setting(
            "otlp_http_port",
            "Where tools send what they report about themselves: OTLP over HTTP, on this machine only. 0: not at all. The dashboard's port takes it too.",
            Number,
            "4318",
        ),
        setting("otlp_grpc_port", "The same over gRPC. 0: not at all.", Number, "4317"),
        setting(
            "otlp_max_body_mb",
            "An OTLP request larger than this many megabytes after decompression is refused.",
            Number,
            "64",
        ),
        setting(
            "data_dir",
            "Where the data lies; the database is data.db in it. Empty: ~/.llmflow.",
            Text,
            "",
        ),
        setting(
            "allowed_hosts",
            "Names under which this machine may be asked, beside localhost and its own addresses, e.g. host.docker.internal.",
            List,
            "",
        ),
        setting(
            "allowed_origins",
            "Web pages that may call LLMFlow, e.g. http://localhost:5173. All others are refused.",
            List,
            "",
        ),
        setting(
            "max_body_mb",
            "A body larger than this many megabytes goes through whole, but only its beginning is kept.",
            Number,
            "32",
        ),
        setting(
            "memory_mb",
            "Memory for copies of bodies that are not stored yet, in megabytes, over all calls together.",
            Number,
            "256",
        ),
        setting(
            "shutdown_grace_s",
            "Calls under way may go on for this many seconds when LLMFlow is told to stop.",
            Number,
            "30",
        ),
        setting(
            "close_to_tray",
            "Closing the window hides it; recording goes on. Quit from the tray.",
            Switch,
            "true",
        ),
        setting(
            "local_keys_required",
            "A stored key is added only to calls that carry a local key.",
            Switch,
            "false",
        ),
    ];
    for provider in ["openai", "anthropic", "gemini", "mistral", "ollama"] {
        let name = format!("providers.{provider}.base_url");
        settings.push(setting(&name, "Another address: scheme, host, port and path prefix.", Text, ""));
    }
    let mut set = |name: &str, value: &str, origin, variable: Option<&str>, pending: Option<&str>| {
        for setting in settings.iter_mut().filter(|setting| setting.name == name) {
            setting.value = value.into();
            setting.origin = origin;
            setting.variable = variable.map(Into::into);
            setting.pending = pending.map(Into::into);
        }
    };
    set("proxy_port", "8080", SettingOrigin::Default, Some("PROXY_PORT"), Some("9090"));
    set("dashboard_port", "3010", SettingOrigin::Environment, Some("DASHBOARD_PORT"), None);
    set("data_dir", "/home/ada/.llmflow", SettingOrigin::Flag, Some("DATA_DIR"), None);
    set("allowed_hosts", "host.docker.internal\nbuild.lan", SettingOrigin::File, None, None);
    set(
        "providers.mistral.base_url",
        "https://gateway.internal.example.com/tenants/0b4f2c66-7d1e-4c1b/providers/eu-central-1/mistral",
        SettingOrigin::File,
        Some("LLMFLOW_UPSTREAM_MISTRAL"),
        None,
    );
    SettingsView { file: "/home/ada/.config/llmflow/config.toml".into(), settings }
}

fn setting(name: &str, about: &str, kind: SettingKind, default: &str) -> Setting {
    Setting {
        name: name.into(),
        about: about.into(),
        kind,
        value: default.into(),
        default: default.into(),
        origin: SettingOrigin::Default,
        variable: None,
        pending: None,
    }
}

pub(super) fn change(setting: &mut Setting, value: Option<&str>) -> Result<(), ApiError> {
    let new = value.unwrap_or(&setting.default).trim().to_owned();
    if setting.kind == SettingKind::Number && new.parse::<u16>().is_err() {
        let error = format!("{} is {new:?}, which is not a whole number from 0 to 65535", setting.name);
        return Err(ApiError::parameter(&setting.name, error));
    }
    let later = setting.name.ends_with("_port");
    setting.pending = (later && new != setting.value).then(|| new.clone());
    if !later {
        setting.value = new;
    }
    setting.origin = if value.is_none() { SettingOrigin::Default } else { SettingOrigin::File };
    Ok(())
}
