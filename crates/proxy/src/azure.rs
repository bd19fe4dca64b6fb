//! Azure OpenAI's paths: which resource is asked, and which of its deployments. Pure.
//! Leaves out reading the model from a body (`peek`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::provider::is_below;

/// Where a client names its resource, the first that does wins.
const HEADERS: [&str; 2] = ["x-azure-resource", "x-llmflow-azure-resource"];
/// Where it names its deployment.
const DEPLOYMENT_HEADERS: [&str; 2] = ["x-azure-deployment", "x-llmflow-azure-deployment"];
/// What stands below a deployment; everything else is asked of the resource itself.
const DEPLOYED: &[&str] = &[
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/audio/transcriptions",
    "/audio/translations",
    "/audio/speech",
    "/images/generations",
    "/images/edits",
    "/images/variations",
];
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What settings and the environment say of Azure.
#[derive(Clone, Debug)]
pub struct Azure {
    /// The resource, where the client names none.
    pub resource: Option<String>,
    /// The API version, where the client names none; `None` for [`Self::API_VERSION`].
    pub api_version: Option<String>,
    /// Deployments by model.
    pub deployments: BTreeMap<String, String>,
    /// Reads an environment variable.
    pub variable: fn(&str) -> Option<String>,
}

impl Default for Azure {
    fn default() -> Self {
        Self { resource: None, api_version: None, deployments: BTreeMap::new(), variable: |_| None }
    }
}

/// What a client's path becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// This path and query.
    Path(String),
    /// This, below a deployment that the body's model names.
    Deployment(String),
}

impl Azure {
    /// The API version that was current with the first clients.
    pub const API_VERSION: &str = "2024-02-01";

    /// The resource a call is for, and whether it is the one the settings name.
    pub(crate) fn resource(&self, headers: &HeaderMap) -> Result<(String, bool), String> {
        let named = HEADERS.iter().find_map(|name| headers.get(*name));
        let named = named.map(|value| value.to_str().unwrap_or("?").trim());
        let own = self.resource.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let Some(resource) = named.filter(|name| !name.is_empty()).or(own) else {
            return Err("No Azure resource is named. Send its name in the header x-azure-resource, or set \
                        providers.azure.resource in the settings or AZURE_OPENAI_RESOURCE in LLMFlow's environment."
                .to_owned());
        };
        // It becomes a part of a host name: nothing in it may lead elsewhere.
        let is_name = resource.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match is_name && resource.len() <= 64 {
            true => Ok((resource.to_owned(), own.is_some_and(|own| own.eq_ignore_ascii_case(resource)))),
            false => Err(format!(
                "{resource:?} is no Azure resource: send only the name that stands before .openai.azure.com."
            )),
        }
    }

    /// What a client's path, which begins with `/`, asks for.
    pub(crate) fn surface(path_and_query: &str) -> Surface {
        let (path, query) = split(path_and_query);
        if is_below(path, "/openai") {
            return Surface::Path(path_and_query.to_owned());
        }
        let rest = if is_below(path, "/v1") { path.get(3..).unwrap_or_default() } else { path };
        match DEPLOYED.contains(&rest.trim_end_matches('/')) {
            true => Surface::Deployment(format!("{rest}{query}")),
            false => Surface::Path(format!("/openai/v1{rest}{query}")),
        }
    }

    /// The path of a call to the deployment for `model`; `rest` is what [`Surface::Deployment`] holds.
    pub(crate) fn deployed(&self, model: &str, rest: &str) -> String {
        self.at(&self.deployment(model), rest)
    }

    /// The deployment that a client names itself.
    pub(crate) fn named_deployment(headers: &HeaderMap) -> Option<&str> {
        let named = DEPLOYMENT_HEADERS.iter().find_map(|name| headers.get(*name))?.to_str().ok()?.trim();
        Some(named).filter(|name| !name.is_empty())
    }

    /// The path of a call to `deployment`.
    pub(crate) fn at(&self, deployment: &str, rest: &str) -> String {
        let (path, query) = split(rest);
        let deployment = utf8_percent_encode(deployment, PLAIN);
        let named = query.trim_start_matches('?').split('&').any(|pair| pair.starts_with("api-version="));
        let version = match (named, query.len() > 1) {
            (true, _) => Cow::Borrowed(""),
            (false, more) => {
                let version = self.api_version.as_deref().filter(|version| !version.trim().is_empty());
                let mark = if more { "&" } else { "?" };
                Cow::Owned(format!("{mark}api-version={}", version.unwrap_or(Self::API_VERSION).trim()))
            }
        };
        let query = if query == "?" { "" } else { query };
        format!("/openai/deployments/{deployment}{path}{query}{version}")
    }

    fn deployment(&self, model: &str) -> String {
        if let Some(deployment) = self.deployments.get(model) {
            return deployment.clone();
        }
        let name = model.to_ascii_uppercase().replace(['.', '-'], "_");
        let chosen = (self.variable)(&format!("AZURE_DEPLOYMENT_{name}"));
        chosen.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| model.replace('.', ""))
    }
}

/// The path, and the query with its mark.
fn split(path_and_query: &str) -> (&str, &str) {
    path_and_query.split_at(path_and_query.find('?').unwrap_or(path_and_query.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn azure() -> Azure {
        Azure {
            resource: Some("ours".into()),
            deployments: BTreeMap::from([("gpt-4o".into(), "four oh".into())]),
            variable: |name| (name == "AZURE_DEPLOYMENT_GPT_4_1_MINI").then(|| "mini".to_owned()),
            ..Azure::default()
        }
    }

    #[test]
    fn the_resource_comes_from_the_client_first() {
        let resource = |azure: &Azure, headers: &[(&'static str, &'static str)]| {
            let pairs = headers.iter().map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            });
            azure.resource(&pairs.collect())
        };
        assert_eq!(resource(&azure(), &[]), Ok(("ours".into(), true)));
        assert_eq!(resource(&azure(), &[("x-azure-resource", "OURS")]), Ok(("OURS".into(), true)));
        let both = [("x-llmflow-azure-resource", "b"), ("x-azure-resource", "a")];
        assert_eq!(resource(&azure(), &both), Ok(("a".into(), false)));
        assert_eq!(resource(&azure(), &both[..1]), Ok(("b".into(), false)));
        for wrong in ["evil.example/", "a.b", "a@b", "a:1", "ä"] {
            let value = http::HeaderValue::from_bytes(wrong.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-azure-resource"), value)]);
            assert!(azure().resource(&headers).unwrap_err().contains("no Azure resource"), "{wrong}");
        }
        let said = resource(&Azure::default(), &[]).unwrap_err();
        assert!(said.contains("x-azure-resource") && said.contains("AZURE_OPENAI_RESOURCE"), "{said}");
    }

    #[test]
    fn paths_become_azures() {
        for (asked, path) in [
            ("/openai/v1/chat/completions", "/openai/v1/chat/completions"),
            (
                "/openai/deployments/d/chat/completions?api-version=x",
                "/openai/deployments/d/chat/completions?api-version=x",
            ),
            ("/v1/responses?a=b", "/openai/v1/responses?a=b"),
            ("/v1/models", "/openai/v1/models"),
            ("/files", "/openai/v1/files"),
        ] {
            assert_eq!(Azure::surface(asked), Surface::Path(path.into()), "{asked}");
        }
        for (asked, model, path) in [
            (
                "/v1/chat/completions",
                "gpt-4o",
                "/openai/deployments/four%20oh/chat/completions?api-version=2024-02-01",
            ),
            (
                "/chat/completions?",
                "gpt-3.5-turbo",
                "/openai/deployments/gpt-35-turbo/chat/completions?api-version=2024-02-01",
            ),
            (
                "/v1/embeddings?a=b",
                "gpt-4.1-mini",
                "/openai/deployments/mini/embeddings?a=b&api-version=2024-02-01",
            ),
            (
                "/v1/embeddings?api-version=n",
                "a/../b",
                "/openai/deployments/a%2F%2Fb/embeddings?api-version=n",
            ),
        ] {
            let Surface::Deployment(rest) = Azure::surface(asked) else { panic!("{asked}") };
            assert_eq!(azure().deployed(model, &rest), path, "{asked}");
        }
        let newer = Azure { api_version: Some("2025-01-01".into()), ..Azure::default() };
        assert!(newer.deployed("m", "/x").ends_with("?api-version=2025-01-01"));
    }
}
