//! What a call is priced by beside its row: from its reading, and from where it went. Pure.

use model::dialect::Reading;
use model::pricing::{Facts, Prices, Region, is_subscription, priced_name};

/// Where a call went, and when.
pub(crate) struct Asked<'a> {
    pub(crate) speaks: &'a str,
    /// The host.
    pub(crate) upstream: &'a str,
    /// The upstream's path.
    pub(crate) path: &'a str,
    pub(crate) at_ms: i64,
}

/// The facts; `header` gives a request header's value.
pub(crate) fn of<'h>(
    reading: &Reading,
    asked: &Asked<'_>,
    prices: &Prices,
    header: impl Fn(&str) -> Option<&'h str>,
) -> Facts {
    let (asked_for, came) = (reading.requested_model.as_deref(), reading.model.as_deref());
    let by_id = match asked.speaks {
        "bedrock" => priced_name(prices, asked.at_ms, asked_for, came, asked.upstream),
        _ => None,
    };
    Facts {
        name: by_id.filter(|name| Some(name.as_str()) != came.or(asked_for)),
        service_tier: reading.service_tier.clone(),
        charged: reading.provider_cost,
        reported: None,
        inference_geo: reading.inference_geo.clone(),
        speed: reading.speed.clone(),
        region: Region::of_host(asked.upstream),
        sound: reading.sound,
        units: reading.units,
        subscription: is_subscription(asked.upstream, asked.path, header),
    }
}
