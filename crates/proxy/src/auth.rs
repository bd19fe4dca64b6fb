//! Which key a call goes on with: the client's own, untouched, or one that LLMFlow lends it. Pure.
//! Leaves out keeping keys (`keys`) and what is recorded of them (`redact`).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::capture::Head;
use crate::keys::{KeyRing, LOCAL_PREFIX, LocalUser, StoredKey};
use crate::provider::{KeyForm, Provider, is_below};
use crate::redact::{decode_percent, split_scheme};
use crate::upstream::Base;

/// Where clients put their keys.
const HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];
const PARAMETERS: [&str; 4] = ["key", "api_key", "api-key", "access_token"];
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What happens to a call's credentials.
#[derive(Debug, Default)]
pub(crate) struct Auth {
    /// The key it is lent.
    lent: Option<Lent>,
    /// Whose local key it carries. That key is taken out.
    local: Option<Arc<LocalUser>>,
}

#[derive(Debug)]
struct Lent {
    key: Arc<StoredKey>,
    placed: Placed,
}

/// A key in a provider's form.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) header: HeaderName,
    pub(crate) value: HeaderValue,
}

/// Judges a call. Only a call that carries a local key can be refused; the error says why and what to do.
///
/// A key is lent to a call that brings none, or that brings a local key; never to a web page, and never in clear over
/// a network.
pub(crate) fn judge(
    keys: &KeyRing,
    provider: &Provider,
    base: &Base,
    path_and_query: &str,
    headers: &HeaderMap,
) -> Result<Auth, String> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let sent = Sent::of(headers, query);
    let Some(local) = sent.local else {
        let stored = keys.stored(provider).filter(|_| !sent.own && !keys.local_required);
        let lent = stored
            .filter(|_| !is_page(headers) && base.keeps_secrets())
            .and_then(|key| Lent::new(key, provider, path));
        return Ok(Auth { lent, local: None });
    };
    let user = keys.local(&local).ok_or(
        "LLMFlow does not know this local key: it was taken back, or it belongs to another installation. Make one \
         on LLMFlow's Providers page and put it into the tool's settings.",
    )?;
    let name = provider.display_name;
    if is_page(headers) {
        return Err(format!("A web page sent a local key. LLMFlow lends {name}'s key to programs only."));
    }
    user.calls_now();
    let local = Some(user.clone());
    if sent.own || provider.key.form == KeyForm::NotNeeded {
        return Ok(Auth { lent: None, local });
    }
    if !base.keeps_secrets() {
        return Err(format!(
            "LLMFlow does not send {name}'s key in clear over a network: {} is asked by http. Set providers.{}.base_url \
             to an address with https.",
            base.authority, provider.name
        ));
    }
    let lent = keys.stored(provider).and_then(|key| Lent::new(key, provider, path)).ok_or_else(|| {
        let variable = provider.key.variables.first().map(|name| format!(", or set {name} and start LLMFlow again"));
        let otherwise = variable.unwrap_or_default();
        format!("LLMFlow has no key for {name} to put in the local key's place. Add it on the Providers page{otherwise}.")
    })?;
    Ok(Auth { lent: Some(lent), local })
}

/// The credentials a call came with.
#[derive(Default)]
struct Sent {
    /// One of the client's own.
    own: bool,
    /// The first local key.
    local: Option<String>,
}

impl Sent {
    fn of(headers: &HeaderMap, query: &str) -> Self {
        let mut sent = Self::default();
        for value in HEADERS.iter().flat_map(|name| headers.get_all(name)) {
            match token(value) {
                Some(token) => sent.add(token),
                None => sent.own = true,
            }
        }
        for (_, value) in pairs(query).filter(|(name, _)| is_parameter(name)) {
            sent.add(&decode_percent(value));
        }
        sent
    }

    fn add(&mut self, token: &str) {
        match token {
            // An SDK that was given no key may send its header all the same.
            "" => {}
            local if is_local(local) => _ = self.local.get_or_insert_with(|| local.to_owned()),
            _ => self.own = true,
        }
    }
}

impl Lent {
    fn new(key: &Arc<StoredKey>, provider: &Provider, path: &str) -> Option<Self> {
        Some(Self { key: key.clone(), placed: Placed::new(&key.key, provider, path)? })
    }
}

impl Placed {
    /// `key` as `provider` takes it at `path`; `None` when it takes none, or this cannot stand in a header.
    pub(crate) fn new(key: &str, provider: &Provider, path: &str) -> Option<Self> {
        let (header, text) = match provider.key.form {
            KeyForm::Header { name, bearer_below } if !is_below(path, bearer_below) => {
                (HeaderName::from_static(name), key.to_owned())
            }
            KeyForm::Bearer | KeyForm::Header { .. } => (header::AUTHORIZATION, format!("Bearer {key}")),
            KeyForm::NotNeeded => return None,
        };
        let mut value = HeaderValue::try_from(zeroize::Zeroizing::new(text).as_str()).ok()?;
        value.set_sensitive(true);
        Some(Self { header, value })
    }
}

impl Auth {
    /// The path and query without the local key; everything else byte for byte.
    pub(crate) fn path_and_query<'a>(&self, path_and_query: &'a str) -> Cow<'a, str> {
        let Some((path, query)) = path_and_query.split_once('?').filter(|_| self.local.is_some()) else {
            return Cow::Borrowed(path_and_query);
        };
        let stays = |(name, value): &(&str, &str)| !(is_parameter(name) && is_local(&decode_percent(value)));
        if pairs(query).all(|pair| stays(&pair)) {
            return Cow::Borrowed(path_and_query);
        }
        let kept: Vec<&str> =
            query.split('&').filter(|pair| pair.split_once('=').is_none_or(|pair| stays(&pair))).collect();
        let mark = if kept.is_empty() { "" } else { "?" };
        Cow::Owned(format!("{path}{mark}{}", kept.join("&")))
    }

    /// Makes the record say which key went, and have it cut from whatever echoes it.
    pub(crate) fn note(&self, head: &mut Head) {
        head.local_key = self.local.as_ref().map(|user| user.name.clone());
        if let Some(Lent { key, .. }) = &self.lent {
            head.secrets.add(&key.key, &key.mark);
            head.credential = Some(key.mark.clone());
        }
    }

    /// Takes a local key out and puts the lent one in; all other headers stay as and where they are.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        if self.lent.is_none() && self.local.is_none() {
            return;
        }
        let mut placed = self.lent.as_ref().map(|lent| &lent.placed);
        let target = placed.map(|placed| placed.header.clone());
        // The map is made anew, since removing from one would change the order of the others.
        for (name, value) in &std::mem::take(headers) {
            if Some(name) == target.as_ref() {
                // What stood here was empty or a local key.
                if let Some(placed) = placed.take() {
                    headers.append(name, placed.value.clone());
                }
            } else if !(HEADERS.contains(name) && token(value).is_some_and(is_local)) {
                headers.append(name, value.clone());
            }
        }
        if let Some(placed) = placed {
            headers.append(placed.header.clone(), placed.value.clone());
        }
    }
}

/// Whether a web page sent this: a browser says so, and pages of other sites cannot keep it from saying so.
fn is_page(headers: &HeaderMap) -> bool {
    let foreign = |value: &HeaderValue| !matches!(value.as_bytes(), b"none" | b"same-origin");
    headers.contains_key(header::ORIGIN) || headers.get_all(FETCH_SITE).iter().any(foreign)
}

/// What follows the scheme; `None` when it is not text, and so no key of ours.
fn token(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?.trim();
    let scheme = |name: &str| text.eq_ignore_ascii_case(name);
    if scheme("bearer") || scheme("basic") {
        return Some("");
    }
    Some(split_scheme(text).1)
}

fn is_local(token: &str) -> bool {
    token.starts_with(LOCAL_PREFIX)
}

fn is_parameter(name: &str) -> bool {
    PARAMETERS.iter().any(|known| decode_percent(name).eq_ignore_ascii_case(known))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}
