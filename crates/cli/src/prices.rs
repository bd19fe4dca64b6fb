//! `llmflow prices`: looking at prices, setting one's own, taking in a newer table, and pricing calls again, in the running
//! instance.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use api::{
    Models, Money, OwnPrice, PriceRate, PriceRow, Reply, RepriceScope, Repricing, RepricingState, Request,
};
use clap::{Args, Subcommand};
use engine::{Settings, running_instance};
use server::Remote;

use crate::print::{complain, say};
use crate::status::{is_stopping, not_running};

/// How often is looked how far a repricing is.
const LOOK: Duration = Duration::from_millis(250);

/// What to do with prices.
#[derive(Subcommand)]
pub(crate) enum Prices {
    /// The models that calls used, those without a known price first
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Rows of the price table whose keys have these words in them
    Find {
        /// The words
        words: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take in a newer price table
    Refresh {
        /// An https:// address or a file; else the address in the settings
        #[arg(long)]
        from: Option<String>,
        /// The day from which on its prices hold, such as 2026-01-31; else today
        #[arg(long)]
        valid_from: Option<String>,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Set a price of your own; prices of tokens are dollars a million
    Set(Set),
    /// Remove a price of your own
    Unset {
        /// The model, as it was set
        model: String,
        /// Its day
        #[arg(long)]
        valid_from: Option<String>,
    },
    /// Price recorded calls again, each by the prices of its own time
    Reprice {
        /// Only calls since this day, such as 2026-01-31
        #[arg(long)]
        since: Option<String>,
        /// Only calls of this model
        #[arg(long)]
        model: Option<String>,
        /// Only calls whose cost is unknown or known in part
        #[arg(long)]
        unknown: bool,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// What was priced again
    Audit {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// A price of one's own.
#[derive(Args)]
pub(crate) struct Set {
    /// The model as calls name it, or provider/model
    model: String,
    /// A million tokens of input
    #[arg(long)]
    input: Option<String>,
    /// A million tokens of output
    #[arg(long)]
    output: Option<String>,
    /// A million tokens read from the cache
    #[arg(long)]
    cache_read: Option<String>,
    /// A million tokens written to the cache
    #[arg(long)]
    cache_write: Option<String>,
    /// A million tokens written to the cache for its long time
    #[arg(long)]
    cache_write_long: Option<String>,
    /// Any other price by the table's name, in dollars of one: NAME=DOLLARS
    #[arg(long = "rate", value_name = "NAME=DOLLARS")]
    rates: Vec<String>,
    /// The day from which on it holds, such as 2026-01-31
    #[arg(long)]
    valid_from: Option<String>,
    /// Why
    #[arg(long)]
    note: Option<String>,
}

/// Does it. Exits with 3 when LLMFlow does not run.
pub(crate) async fn prices(settings: &Settings, what: Prices) -> anyhow::Result<ExitCode> {
    let Some(instance) = running_instance(&settings.data_dir) else {
        say(format_args!("{}", not_running(settings)));
        return Ok(ExitCode::from(3));
    };
    ensure!(!instance.stopping, "{}", is_stopping(&instance));
    ensure!(
        instance.dashboard_port != 0,
        "LLMFlow runs without a dashboard port, so it cannot be asked about prices"
    );
    let remote = Remote::of(&settings.data_dir, &instance).await.with_context(|| {
        format!(
            "LLMFlow (process {}) does not answer on its dashboard port {}; llmflow doctor says more",
            instance.pid, instance.dashboard_port
        )
    })?;
    match what {
        Prices::List { json } => list(&remote, json).await?,
        Prices::Find { words, json } => find(&remote, &words.join(" "), json).await?,
        Prices::Refresh { from, valid_from, dry_run } => {
            refresh(&remote, from.map(absolute), valid_from, dry_run).await?;
        }
        Prices::Set(set) => own(&remote, Request::SetPrice { price: set.price()? }).await?,
        Prices::Unset { model, valid_from } => {
            own(&remote, Request::RemovePrice { model, valid_from }).await?;
        }
        Prices::Reprice { since, model, unknown, dry_run } => {
            let since_ms = since.as_deref().map(day).transpose()?;
            let scope = RepriceScope { since_ms, model, unknown_only: unknown };
            return reprice(&remote, scope, dry_run).await;
        }
        Prices::Audit { json } => audit(&remote, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A file is named from where the command is given.
fn absolute(from: String) -> String {
    if from.contains("://") {
        return from;
    }
    std::path::absolute(Path::new(&from)).map_or(from, |path| path.display().to_string())
}

fn day(text: &str) -> anyhow::Result<i64> {
    engine::day_begins(text).with_context(|| format!("{text:?} is no day, such as 2026-01-31"))
}

fn other() -> anyhow::Error {
    anyhow::anyhow!("LLMFlow answered another question; is it another version?")
}

impl Set {
    fn price(self) -> anyhow::Result<OwnPrice> {
        let tokens = [
            ("input_cost_per_token", self.input),
            ("output_cost_per_token", self.output),
            ("cache_read_input_token_cost", self.cache_read),
            ("cache_creation_input_token_cost", self.cache_write),
            ("cache_creation_input_token_cost_above_1hr", self.cache_write_long),
        ];
        let tokens = tokens.into_iter().filter_map(|(name, each)| Some((name, each?)));
        let mut rates: Vec<PriceRate> =
            tokens.map(|(name, each)| PriceRate { name: name.to_owned(), each, of_tokens: true }).collect();
        for rate in self.rates {
            let Some((name, each)) = rate.split_once('=') else {
                bail!("--rate wants NAME=DOLLARS, such as input_cost_per_token_flex=0.0000015")
            };
            rates.push(PriceRate { name: name.to_owned(), each: each.to_owned(), of_tokens: false });
        }
        ensure!(!rates.is_empty(), "name a price, such as --input 2.50 --output 10");
        Ok(OwnPrice { model: self.model, valid_from: self.valid_from, note: self.note, rates })
    }
}

async fn models(remote: &Remote) -> anyhow::Result<Models> {
    match remote.ask(&Request::GetModels { from_ms: None }).await? {
        Reply::Models(models) => Ok(*models),
        _ => Err(other()),
    }
}

async fn list(remote: &Remote, json: bool) -> anyhow::Result<()> {
    let models = models(remote).await?;
    if json {
        say(serde_json::to_string_pretty(&models)?);
        return Ok(());
    }
    say(format_args!("Prices     {}", models.tables.version));
    for used in &models.models {
        let name = used.model.as_deref().unwrap_or("(no model named)");
        let cost = match used.unpriced {
            0 => dollars(used.cost),
            unknown if unknown == used.calls => "unknown".to_owned(),
            unknown => format!("{} and {unknown} unknown", dollars(used.cost)),
        };
        let equivalent = match used.subscription {
            0 => String::new(),
            calls => format!("; {calls} by subscription, {} by the API", dollars(used.equivalent)),
        };
        let price = match &used.price {
            Some(price) => format!("{} ({})", price.key, price.matched),
            None if used.local > 0 => "local".to_owned(),
            None => format!(
                "none; set one with: llmflow prices set {}/{name} --input … --output …",
                used.provider
            ),
        };
        say(format_args!(
            "{}/{name}  {} calls, {cost}{equivalent}; price: {price}",
            used.provider, used.calls
        ));
    }
    Ok(())
}

async fn find(remote: &Remote, text: &str, json: bool) -> anyhow::Result<()> {
    let request = Request::FindPrices { text: text.to_owned(), limit: 100, offset: 0 };
    let Reply::Prices(page) = remote.ask(&request).await? else { return Err(other()) };
    if json {
        say(serde_json::to_string_pretty(&page)?);
        return Ok(());
    }
    page.rows.iter().for_each(print_row);
    let shown = page.rows.len() as u64;
    if page.total > shown {
        say(format_args!("… and {} more", page.total - shown));
    }
    Ok(())
}

fn print_row(row: &PriceRow) {
    let from = row.valid_from.as_ref().map(|day| format!(", from {day}")).unwrap_or_default();
    say(format_args!("{} (table of {}{from})", row.key, row.date));
    for rate in &row.rates {
        let of = if rate.of_tokens { " a million" } else { "" };
        say(format_args!("    {}: ${}{of}", rate.name, rate.each));
    }
}

async fn refresh(
    remote: &Remote,
    from: Option<String>,
    valid_from: Option<String>,
    dry_run: bool,
) -> anyhow::Result<()> {
    let request = Request::RefreshPrices { from, valid_from, dry_run };
    let Reply::PriceRefresh(found) = remote.ask_long(&request).await? else { return Err(other()) };
    let word = if dry_run { "would be" } else { "are" };
    say(format_args!(
        "{} models at {}: {} {word} new, {} changed, from {} on.",
        found.models, found.source, found.new, found.changed, found.valid_from
    ));
    found.some.iter().for_each(|name| say(format_args!("    {name}")));
    if !dry_run && found.new + found.changed > 0 {
        say("Recorded calls keep their cost. Price them again with: llmflow prices reprice");
    }
    Ok(())
}

async fn own(remote: &Remote, request: Request) -> anyhow::Result<()> {
    let Reply::PriceTables(tables) = remote.ask(&request).await? else { return Err(other()) };
    say(format_args!("Your own prices ({}):", tables.own_file));
    for price in &tables.own {
        let from = price.valid_from.as_ref().map(|day| format!(" from {day}")).unwrap_or_default();
        say(format_args!("  {}{from}", price.model));
        for rate in &price.rates {
            let of = if rate.of_tokens { " a million" } else { "" };
            say(format_args!("    {}: ${}{of}", rate.name, rate.each));
        }
    }
    say("Recorded calls keep their cost. Price them again with: llmflow prices reprice");
    Ok(())
}

async fn repricings(remote: &Remote) -> anyhow::Result<Vec<Repricing>> {
    match remote.ask(&Request::GetRepricings).await? {
        Reply::Repricings(all) => Ok(all),
        _ => Err(other()),
    }
}

async fn reprice(remote: &Remote, scope: RepriceScope, dry_run: bool) -> anyhow::Result<ExitCode> {
    let request = Request::Reprice { scope, dry_run, by: "command line".to_owned() };
    let Reply::Repricing(begun) = remote.ask(&request).await? else { return Err(other()) };
    let run = loop {
        let all = repricings(remote).await?;
        let mine = all.into_iter().find(|run| run.id == begun.id && run.at_ms == begun.at_ms);
        match mine.context("the run is not known any more; llmflow prices audit says what was done")? {
            run if run.state == RepricingState::Running => tokio::time::sleep(LOOK).await,
            run => break run,
        }
    };
    print_run(&run);
    match run.error {
        Some(error) => {
            complain(error);
            Ok(ExitCode::FAILURE)
        }
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn audit(remote: &Remote, json: bool) -> anyhow::Result<()> {
    let all = repricings(remote).await?;
    if json {
        say(serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if all.is_empty() {
        say("No call was ever priced again.");
    }
    all.iter().for_each(print_run);
    Ok(())
}

fn print_run(run: &Repricing) {
    let word = if run.dry_run { "would change" } else { "changed" };
    let left = if run.left > 0 { format!(", {} left as they are", run.left) } else { String::new() };
    let state = match run.state {
        RepricingState::Running => ", under way",
        RepricingState::Done => "",
        RepricingState::Broken => ", ended early",
    };
    say(format_args!(
        "{} by {}: {} calls looked at, {} {word}, {} newly priced{left}; {} before, {} after ({}{state})",
        engine::day_of(run.at_ms),
        run.by,
        run.looked,
        run.changed,
        run.newly_priced,
        dollars(run.before),
        dollars(run.after),
        run.version
    ));
}

/// To the pico-dollar: an audit is no place for rounding.
fn dollars(money: Money) -> String {
    let pico = money.pico();
    let sign = if pico < 0 { "-" } else { "" };
    let (whole, rest) = (pico.unsigned_abs() / 1_000_000_000_000, pico.unsigned_abs() % 1_000_000_000_000);
    let fraction = format!("{rest:012}");
    let kept = fraction.trim_end_matches('0').len().max(2);
    format!("{sign}${whole}.{}", fraction.get(..kept).unwrap_or("00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole() {
        for (pico, text) in [
            (0, "$0.00"),
            (1, "$0.000000000001"),
            (-1_500_000_000_000, "-$1.50"),
            (12_340_000_000_000, "$12.34"),
        ] {
            assert_eq!(dollars(Money::from_pico(pico)), text);
        }
    }
}
