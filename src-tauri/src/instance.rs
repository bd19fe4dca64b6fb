//! The LLMFlow behind the window: one that runs already, or a child of ours.
//!
//! Left out: windows, and what LLMFlow does. This goes once the engine runs in this process.

use std::env;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const START_DEADLINE: Duration = Duration::from_secs(30);
const END_DEADLINE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);
/// A dashboard that does not answer its health check within this is taken not to run.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// An LLMFlow whose dashboard answers. Dropped early, by an error on the way to a window, it ends its child too.
pub(crate) struct Instance {
    child: Option<Child>,
}

impl Instance {
    /// Looks for one on this port; else starts the `llmflow` beside this program, and waits until it answers.
    pub(crate) fn find_or_start(port: u16, arguments: &[String]) -> Result<Self> {
        if is_healthy(port) {
            return Ok(Self { child: None });
        }
        anyhow::ensure!(
            !is_taken(port),
            "another program uses port {port}; set DASHBOARD_PORT to a free one"
        );
        let name = format!("llmflow{}", env::consts::EXE_SUFFIX);
        let program = env::current_exe().context("where is this program?")?.with_file_name(name);
        let child = Command::new(&program).arg("serve").args(arguments).spawn();
        let child = child
            .with_context(|| format!("cannot start {}; `cargo xtask build` makes it", program.display()))?;
        let mut instance = Self { child: Some(child) };
        instance.wait_until_healthy(port)?;
        Ok(instance)
    }

    fn wait_until_healthy(&mut self, port: u16) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < START_DEADLINE {
            if is_healthy(port) {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                bail!("llmflow ended at once ({status}); its own messages say why");
            }
            thread::sleep(PAUSE);
        }
        bail!(
            "llmflow does not answer on port {port}; is another program there? DASHBOARD_PORT chooses another"
        )
    }

    /// Ends what was started here, giving it time to drain.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let Some(child) = self.child.as_mut() else { return };
        ask_to_end(child);
        let began = Instant::now();
        while began.elapsed() < END_DEADLINE {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(PAUSE);
        }
        // It did not drain in time; its store survives being killed.
        drop(child.kill());
        drop(child.wait());
    }
}

#[cfg(unix)]
fn ask_to_end(child: &Child) {
    let process = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // It may have ended already, which is as good.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) {
    drop(child.kill());
}

/// Whether an LLMFlow answers there. Another program on this port would not say so.
fn is_healthy(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    ask(address).is_ok_and(|answer| is_health(&answer))
}

fn is_taken(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ANSWER_DEADLINE).is_ok()
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_DEADLINE)?;
    stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
    let port = address.port();
    write!(stream, "GET /api/health HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}

fn is_health(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let health: Option<Value> = serde_json::from_str(body).ok();
    let status = health.as_ref().and_then(|health| health["status"].as_str());
    head.split(' ').nth(1) == Some("200") && matches!(status, Some("ok" | "degraded"))
}

/// The flag wins over the environment, the environment over the default.
pub(crate) fn dashboard_port(arguments: &[String], variable: Option<&str>) -> Result<u16> {
    let after = arguments.iter().skip_while(|word| *word != "--dashboard-port").nth(1).map(String::as_str);
    let joined = arguments.iter().find_map(|word| word.strip_prefix("--dashboard-port="));
    let port = after.or(joined).or(variable.filter(|port| !port.is_empty())).unwrap_or("3000");
    let port = port.parse().with_context(|| format!("{port} is not a port"))?;
    anyhow::ensure!(port != 0, "the window shows the dashboard, so its port cannot be 0");
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_llmflows_health_counts() {
        assert!(is_health(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"status\":\"degraded\"}"
        ));
        assert!(!is_health("HTTP/1.1 200 OK\r\n\r\n<!doctype html>"), "another program's page");
        assert!(!is_health("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"ok\"}"));
        assert!(!is_health(""));
    }

    #[test]
    fn the_flag_wins_over_the_environment() {
        let flag = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(dashboard_port(&flag(&["--dashboard-port", "3100"]), Some("3200")).unwrap(), 3100);
        assert_eq!(dashboard_port(&flag(&["--dashboard-port=3101"]), None).unwrap(), 3101);
        assert_eq!(dashboard_port(&[], Some("3200")).unwrap(), 3200);
        assert_eq!(dashboard_port(&[], None).unwrap(), 3000);
        assert!(dashboard_port(&[], Some("0")).is_err());
    }
}
