//! Under which name a call to Bedrock is priced: AWS's prices go by its own ids, and some by the region that answers.
//! Leaves out the spellings of a name (`find`).

use super::Prices;

/// What precedes a maker's name in an id that runs in several regions.
const SPREADS: [&str; 10] = ["us", "us-gov", "eu", "apac", "ap", "jp", "au", "ca", "sa", "global"];

/// The name that the table knows: the id asked for, where it has a price of its own in the region of `upstream` (a host);
/// the id; else the model that answered, since the id of one's own profile says nothing.
pub fn priced_name(
    prices: &Prices,
    at_ms: i64,
    requested: Option<&str>,
    answered: Option<&str>,
    upstream: &str,
) -> Option<String> {
    let region = upstream.split('.').nth(1).filter(|_| upstream.starts_with("bedrock"));
    let regional = region.zip(requested).map(|(region, id)| format!("{region}/{id}"));
    let has_own =
        |name: &String| prices.find("bedrock", name, at_ms).is_some_and(|found| found.matched == "provider");
    regional
        .filter(has_own)
        .or_else(|| requested.filter(|id| prices.find("bedrock", id, at_ms).is_some()).map(str::to_owned))
        .or_else(|| answered.map(str::to_owned))
}

/// `jp.anthropic.claude-…` is `anthropic.claude-…`, spread over some regions. The table may not have that one.
pub(super) fn spread_stripped(name: &str) -> Option<String> {
    let (spread, id) = name.split_once('.')?;
    (SPREADS.contains(&spread) && id.contains('.')).then(|| id.to_owned())
}
