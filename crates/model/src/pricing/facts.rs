//! What bears on a call's price and stands in no column of its row: kept beside it, so that a call is priced again from
//! the same facts as the first time. Leaves out the rules.

use api::{CallSummary, Money, UsageSource};
use serde::{Deserialize, Serialize};

use super::units::{Region, Sound, Units, is_default};
use super::{Billable, rate};

/// What the row does not say. Empty for most calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The name to price by, where it is not the model of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The provider's service tier, in its word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// What the provider says it charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged: Option<Money>,
    /// What the tool that made the call says it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<Money>,
    /// Where Anthropic ran the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_geo: Option<String>,
    /// Anthropic's speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// The part of the world that it was bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Tokens of sound.
    #[serde(skip_serializing_if = "is_default")]
    pub sound: Sound,
    /// What is billed by the piece.
    #[serde(skip_serializing_if = "is_default")]
    pub units: Units,
    /// A subscription pays for it.
    #[serde(skip_serializing_if = "is_default")]
    pub subscription: bool,
}

impl Facts {
    /// The facts as they are kept.
    pub fn to_text(&self) -> String {
        // Words that name no class of service of their own are left out: most answers carry one.
        let tier = self.service_tier.clone().filter(|tier| rate::Service::has_prices(tier));
        serde_json::to_string(&Self { service_tier: tier, ..self.clone() }).unwrap_or_default()
    }

    /// Facts that were kept.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Everything that decides what `call` costs.
    pub fn billable<'a>(&'a self, call: &'a CallSummary) -> Billable<'a> {
        Billable {
            provider: &call.provider,
            model: self.name.as_deref().or(call.model.as_deref()),
            operation: call.operation,
            at_ms: call.started_ms,
            status: call.status,
            usage: &call.usage,
            sound: self.sound,
            usage_final: call.usage_source == UsageSource::Provider,
            estimated: call.usage_source == UsageSource::Estimated,
            service_tier: self.service_tier.as_deref(),
            provider_cost: self.charged,
            units: self.units,
            inference_geo: self.inference_geo.as_deref(),
            speed: self.speed.as_deref(),
            region: self.region,
            subscription: self.subscription,
        }
    }
}
