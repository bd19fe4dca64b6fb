//! The log of every binary: to standard error, as much as `RUST_LOG` or `VERBOSE` ask for.

use tracing_subscriber::EnvFilter;

/// Starts it. Warnings only, unless the environment asks for more.
pub fn start_log() {
    let verbose = std::env::var("VERBOSE").is_ok_and(|value| value == "1" || value == "true");
    let default = if verbose { "debug,hyper=info,hyper_util=info,sqlx=warn,rustls=info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
