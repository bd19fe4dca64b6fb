//! What of Bedrock a path asks: which of its two services, and the region that an ARN in it names. Pure.

use super::region::{self, Region};
use crate::provider::is_below;
use crate::redact::decode_percent;

/// What the runtime answers below; everything else is the control plane's.
const RUNTIME: &[&str] = &["/model", "/guardrail", "/guardrail-checks", "/async-invoke", "/openai"];

/// Which service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// `bedrock-runtime`: it runs models.
    Runtime,
    /// `bedrock`: it tells what there is.
    Control,
}

/// What a path asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) service: Service,
    /// The region that its ARN names.
    pub(crate) region: Option<Region>,
    /// The path and query as they go on: as they came, but for a slash within a model's id.
    pub(crate) path_and_query: String,
    /// It would be a stream in both directions.
    pub(crate) is_two_way: bool,
}

/// Whether a path that names no provider is Bedrock's: its clients take an address without a path.
pub(crate) fn is_bedrock(path: &str) -> bool {
    path.starts_with("/model/") || is_below(path, "/inference-profiles")
}

impl Asked {
    pub(crate) fn of(path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_at(path_and_query.find('?').unwrap_or(path_and_query.len()));
        let runtime = RUNTIME.iter().any(|start| is_below(path, start));
        let (id, around) = match path.strip_prefix("/model/").and_then(|rest| rest.rsplit_once('/')) {
            Some((id, verb)) => (id, Some(verb)),
            None => (path.rsplit_once('/').map_or("", |(_, last)| last), None),
        };
        let path = match around {
            // An ARN has a slash, which clients may forget to encode; AWS would look for another path.
            Some(verb) if id.contains('/') => format!("/model/{}/{verb}", id.replace('/', "%2F")),
            _ => path.to_owned(),
        };
        let named = path.split('/').find_map(|segment| region::of_arn(&decode_percent(segment)));
        Self {
            service: if runtime { Service::Runtime } else { Service::Control },
            region: named.or_else(|| region::of_arn(&decode_percent(id))),
            is_two_way: around == Some("invoke-with-bidirectional-stream"),
            path_and_query: format!("{path}{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_service_and_its_region() {
        let arn = "arn:aws:bedrock:eu-west-1:1234:application-inference-profile/abc";
        let encoded = arn.replace(':', "%3A").replace('/', "%2F");
        let bare = format!("/model/{arn}/converse-stream?a=b%2Fc");
        let half = bare.replace("/abc", "%2Fabc");
        for (asked, service, region, path) in [
            ("/model/us.anthropic.claude-x-v1:0/invoke", Service::Runtime, None, None),
            ("/model/us.anthropic.claude-x-v1%3A0/invoke-with-response-stream", Service::Runtime, None, None),
            (bare.as_str(), Service::Runtime, Some("eu-west-1"), Some(half.as_str())),
            (&format!("/model/{encoded}/invoke"), Service::Runtime, Some("eu-west-1"), None),
            ("/inference-profiles?type=SYSTEM_DEFINED", Service::Control, None, None),
            (&format!("/inference-profiles/{encoded}"), Service::Control, Some("eu-west-1"), None),
            ("/foundation-models", Service::Control, None, None),
            ("/openai/v1/chat/completions", Service::Runtime, None, None),
            ("/guardrail/g/version/1/apply", Service::Runtime, None, None),
            ("/guardrails", Service::Control, None, None),
            ("/", Service::Control, None, None),
        ] {
            let found = Asked::of(asked);
            assert_eq!(found.service, service, "{asked}");
            assert_eq!(found.region.map(|region| region.to_string()).as_deref(), region, "{asked}");
            assert_eq!(found.path_and_query, path.unwrap_or(asked), "{asked}");
        }
        assert!(Asked::of("/model/m/invoke-with-bidirectional-stream").is_two_way);
        assert!(is_bedrock("/model/m/invoke") && is_bedrock("/inference-profiles?x"));
        assert!(!is_bedrock("/models") && !is_bedrock("/v1/model/m/invoke") && !is_bedrock("/model"));
    }
}
