//! `llmflow status`: what runs, from the lock of the data folder and the health it answers.

use std::process::ExitCode;

use engine::{Settings, running_instance};
use serde_json::{Value, json};

use crate::ask;

/// Prints the status. Exits with 0 when LLMFlow runs, with 3 when it does not.
pub(crate) async fn status(settings: &Settings, json: bool) -> ExitCode {
    let folder = settings.data_dir.display();
    let Some(instance) = running_instance(&settings.data_dir) else {
        if json {
            println!("{}", json!({"running": false, "data_dir": settings.data_dir}));
        } else {
            println!("LLMFlow does not run on {folder}. Start it with: llmflow serve");
        }
        return ExitCode::from(3);
    };
    let health = match instance.dashboard_port {
        0 => Value::Null,
        port => ask::get(port, "/api/health").await.unwrap_or(Value::Null),
    };
    if json {
        println!("{}", json!({"running": true, "instance": instance, "health": health}));
        return ExitCode::SUCCESS;
    }
    println!("LLMFlow runs as process {} on {folder}", instance.pid);
    let proxy = health.pointer("/sources/0/state").and_then(Value::as_str);
    let proxy_failed = proxy.is_some_and(|state| state != "running");
    for (name, port, failed) in
        [("Proxy", instance.proxy_port, proxy_failed), ("Dashboard", instance.dashboard_port, false)]
    {
        match port {
            0 => println!("{name:<10} off"),
            port if failed => println!("{name:<10} does not listen on port {port}"),
            port => println!("{name:<10} http://localhost:{port}"),
        }
    }
    if health.is_null() {
        println!("It does not answer on its dashboard port.");
        return ExitCode::SUCCESS;
    }
    let count =
        |name: &str| health.pointer(&format!("/completeness/{name}")).and_then(Value::as_u64).unwrap_or(0);
    println!(
        "Calls      {} stored; since start {} seen, {} recorded, {} open, {} lost",
        health.get("calls").and_then(Value::as_u64).unwrap_or(0),
        count("seen"),
        count("recorded"),
        count("open"),
        count("lost")
    );
    for problem in health.get("problems").and_then(Value::as_array).into_iter().flatten() {
        println!("Problem    {}", problem.as_str().unwrap_or_default());
    }
    ExitCode::SUCCESS
}
