//! What the file, the environment and flags decide, and what is refused.

use proxy::CHATGPT;

use super::*;

fn load(env: &[(&str, &str)], flags: &Flags) -> Result<Settings, SettingsError> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Settings::load(flags, &env.iter().map(owned).collect())
}

#[test]
fn the_example_file_says_the_defaults() {
    assert_eq!(toml::from_str::<Settings>(EXAMPLE).unwrap(), Settings::default());
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "proxy_port = 1\ndashboard_port = 2\n[providers.openai]\nbase_url = 'http://a'")
        .unwrap();
    let flags = Flags { config: Some(config), dashboard_port: Some(30), ..Flags::default() };
    let env = [("PROXY_PORT", "10"), ("DASHBOARD_PORT", "20"), ("LLMFLOW_UPSTREAM_GROQ", "http://b:1/c")];
    let settings = load(&env, &flags).unwrap();
    assert_eq!((settings.proxy_port, settings.dashboard_port), (10, 30));
    assert_eq!(settings.base_urls()["openai"], "http://a");
    assert_eq!(settings.base_urls()["groq"], "http://b:1/c");
}

#[test]
fn a_provider_of_ones_own_has_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let text = "[providers.my-corp]\nbase_url = 'http://a'\nkey_env = 'CORP_KEY'\n[providers.Azure]\napi_version = '1'";
    std::fs::write(&config, text).unwrap();
    let flags = Flags { config: Some(config), ..Flags::default() };
    let env = [
        ("CORP_KEY", "k-1"),
        ("LLMFLOW_UPSTREAM_MY_CORP", "http://b"),
        ("LLMFLOW_UPSTREAM_CHATGPT", "http://c"),
        ("AZURE_OPENAI_RESOURCE", "r"),
        ("OLLAMA_HOST", "gpu"),
    ];
    let settings = load(&env, &flags).unwrap();
    assert_eq!(settings.origin.keys["my-corp"].key.reveal(), "k-1");
    let bases = settings.base_urls();
    assert_eq!((bases["my-corp"].as_str(), bases[CHATGPT].as_str()), ("http://b", "http://c"));
    assert_eq!(bases["ollama"], "http://gpu:11434");
    let to_us = [("OLLAMA_HOST", "http://127.0.0.1:8080/ollama")];
    let bases = load(&to_us, &flags).unwrap().base_urls();
    assert!(!bases.contains_key("ollama"), "Ollama's clients were pointed here, and not we at ourselves");
    let azure = settings.choices().azure;
    assert_eq!((azure.resource.as_deref(), azure.api_version.as_deref()), (Some("r"), Some("1")));
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let flags = Flags { config: Some(config.clone()), ..Flags::default() };
    let said = |env: &[(&str, &str)]| load(env, &flags).unwrap_err().to_string();
    assert!(said(&[]).contains("cannot be read"), "a named file has to be there");
    std::fs::write(&config, "proxi_port = 1").unwrap();
    assert!(said(&[]).contains("proxi_port"));
    for (text, word) in [
        ("[providers.opena]", "opena"),
        ("[providers.health]\nbase_url = 'http://a'", "health"),
        ("[providers.corp]\nbase_url = 'http://a'\ndialect = 'x'", "dialect"),
        ("[providers.groq]\npath_prefix = '/x'", "path_prefix"),
        ("[providers.groq]\nresource = 'x'", "resource"),
    ] {
        std::fs::write(&config, text).unwrap();
        assert!(said(&[]).contains(word), "{text}");
    }
    std::fs::write(&config, "upstream_proxy = 'ftp://me:secret@proxy.example'").unwrap();
    let proxy = said(&[]);
    assert!(proxy.contains("upstream_proxy") && proxy.contains("ftp://me:***@") && !proxy.contains("secret"));
    std::fs::write(&config, "upstream_proxy = 'http://me:***@proxy.example'").unwrap();
    assert!(said(&[]).contains("upstream_proxy"), "what is shown is not what was meant");
    std::fs::write(&config, "").unwrap();
    assert!(said(&[("PROXY_PORT", "http")]).contains("PROXY_PORT"));
    assert!(said(&[("PROXY_PORT", "3000")]).contains("3000"));
    let unknown = said(&[("LLMFLOW_UPSTREAM_MY_CORP", "http://x")]);
    assert!(unknown.contains("MY_CORP") && unknown.contains("[providers.my-corp]"), "{unknown}");
    assert!(load(&[("LLMFLOW_UPSTREAM_MY_CORP", " ")], &flags).is_ok(), "empty is unset");
}

#[test]
fn values_that_cannot_be_meant_are_refused_wherever_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let flags = Flags { config: Some(config.clone()), ..Flags::default() };
    for (text, word) in [
        ("data_dir = 'data'", "~/"),
        ("allowed_origins = ['*']", "http://localhost:5173"),
        ("allowed_hosts = ['box:8080']", "without scheme, port"),
        ("max_body_mb = 0", "4096"),
        ("memory_mb = 0", "65536"),
        ("max_connections = 0", "1000000"),
        ("prices_url = 'file:///prices.json'", "https://"),
        ("shutdown_grace_s = 4000", "3600"),
    ] {
        std::fs::write(&config, text).unwrap();
        let said = load(&[], &flags).unwrap_err().to_string();
        assert!(said.contains(word) && said.starts_with(text.split(' ').next().unwrap()), "{said}");
    }
    let file = config.display().to_string();
    let text = "allowed_origins = ['HTTP://Localhost:5173/']\nallowed_hosts = ['[::1]']\ndata_dir = '~/x'";
    std::fs::write(&config, text).unwrap();
    let settings = load(&[], &flags).unwrap();
    assert_eq!(
        (settings.allowed_origins[0].as_str(), settings.allowed_hosts[0].as_str()),
        ("http://localhost:5173", "::1")
    );
    assert!(settings.data_dir.is_absolute() && settings.data_dir.ends_with("x"), "{:?}", settings.data_dir);
    for (value, word) in [(file.as_str(), "a file is there"), ("relative", "whole path")] {
        let said = load(&[("DATA_DIR", value)], &flags).unwrap_err().to_string();
        assert!(said.starts_with("DATA_DIR") && said.contains(word), "{said}");
    }
    let by_flag = Flags { data_dir: Some("here".into()), ..flags };
    assert!(load(&[("DATA_DIR", "relative")], &by_flag).unwrap().data_dir.is_absolute(), "as in a shell");
}
