//! `llmflow open` and `llmflow token`: the ways in where a token is asked for.

use std::process::ExitCode;

use anyhow::{Context, bail};
use api::{Reply, Request};
use engine::{Settings, load_token, renew_token, running_instance};
use server::Remote;

use crate::print::{complain, say};
use crate::status::not_running;

/// Opens the dashboard in a browser, or prints the link. Exits with 3 when LLMFlow does not run.
pub(crate) async fn open(settings: &Settings, print: bool) -> anyhow::Result<ExitCode> {
    let Some(remote) = running(settings).await? else {
        say(not_running(settings));
        return Ok(ExitCode::from(3));
    };
    let link = ask(&remote, &Request::GetLoginPath).await?;
    if print {
        say(link);
    } else if let Err(error) = open::that_detached(&link) {
        complain(format_args!(
            "no browser can be opened here: {error}. Open this link yourself; it may work only once:"
        ));
        say(link);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the token, after replacing it if that is asked for.
pub(crate) async fn token(settings: &Settings, rotate: bool) -> anyhow::Result<ExitCode> {
    let folder = &settings.data_dir;
    if !rotate {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let token = load_token(folder)
            .with_context(|| format!("the token in {} cannot be read", folder.display()))?;
        say(token.reveal());
        return Ok(ExitCode::SUCCESS);
    }
    // Whoever runs has to know at once: what was let in by the old one must not stay.
    match running(settings).await? {
        Some(remote) => _ = ask(&remote, &Request::RenewToken).await?,
        None => {
            _ = renew_token(folder)
                .with_context(|| format!("the token in {} cannot be replaced", folder.display()))?;
        }
    }
    let token = engine::token(folder).context("the new token cannot be read")?;
    say(token.reveal());
    Ok(ExitCode::SUCCESS)
}

/// The LLMFlow that runs on the data folder; an error when it runs and does not answer.
async fn running(settings: &Settings) -> anyhow::Result<Option<Remote>> {
    let Some(instance) = running_instance(&settings.data_dir) else { return Ok(None) };
    let remote = Remote::of(&settings.data_dir, &instance).await.with_context(|| {
        format!(
            "LLMFlow (process {}) does not answer on its dashboard port {}; llmflow doctor says more",
            instance.pid, instance.dashboard_port
        )
    })?;
    Ok(Some(remote))
}

/// The link that an answer with a path makes.
async fn ask(remote: &Remote, request: &Request) -> anyhow::Result<String> {
    match remote.ask(request).await? {
        Reply::LoginPath(path) => Ok(format!("http://localhost:{}{}", remote.port(), path.reveal())),
        _ => bail!("LLMFlow answered another question; is it another version?"),
    }
}
