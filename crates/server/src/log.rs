//! The log of every binary: to standard error, as much as `RUST_LOG` or `VERBOSE` ask for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Every library whose name begins so is silent.
const AWS: &str = "aws=off";

/// Starts it. Warnings only, unless the environment asks for more; coloured only for a terminal.
pub fn start_log() {
    let verbose = std::env::var("VERBOSE").is_ok_and(|value| value == "1" || value == "true");
    let default = if verbose { "debug,hyper=info,hyper_util=info,sqlx=warn,rustls=info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // AWS's libraries would tell parts of credentials; what matters of it our own lines say. Naming one of them in full
    // (RUST_LOG=aws_config=debug) still shows it.
    let filter = match AWS.parse() {
        Ok(off) => filter.add_directive(off),
        Err(_) => filter,
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(!plain && std::io::stderr().is_terminal())
        // A line that nobody reads is lost; complaining about that on the same closed pipe would panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .init();
}
