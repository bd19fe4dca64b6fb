//! Which key a call goes on with: the client's own, untouched, or one that LLMFlow lends it. Pure.
//! Leaves out keeping keys (`keys`) and what is recorded of them (`redact`).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::bedrock;
use crate::capture::Head;
use crate::keys::{KeyRing, LOCAL_PREFIX, LocalUser, StoredKey};
use crate::provider::{KeyForm, Provider, is_below};
use crate::redact::{decode_percent, key_of_protocol, split_scheme};
use crate::target::Target;

/// Helicone's own key travels beside that of the provider behind it.
const HELICONE: HeaderName = HeaderName::from_static("helicone-auth");
/// Where clients put their keys.
const HEADERS: [HeaderName; 5] = [
    HELICONE,
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
    /// The client's own key goes on in the header where this provider takes it.
    moved: Option<Moved>,
    /// The client's own signature is taken off: it is good nowhere but here.
    unsigned: bool,
    /// The call is signed with this machine's AWS credentials.
    signs: bool,
}

#[derive(Debug)]
struct Moved {
    from: HeaderName,
    to: Placed,
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

/// What of a call's route matters for its key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    /// The client came by `/passthrough/`: what it sent stays where it is.
    pub(crate) passthrough: bool,
    /// The call was OpenAI's and is translated.
    pub(crate) translated: bool,
}

/// Judges a call. Only a call that carries a local key can be refused; the error says why and what to do.
///
/// A key is lent to a call that brings none, or that brings a local key; never to a web page, never to a host that the
/// client chose, and never in clear over a network.
pub(crate) fn judge(
    keys: &KeyRing,
    provider: &Provider,
    target: &Target,
    shape: Shape,
    headers: &HeaderMap,
) -> Result<Auth, String> {
    let (base, path_and_query) = (&target.base, target.path_and_query.as_str());
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let sent = Sent::of(headers, query, provider.key.form);
    let Some(local) = sent.local else {
        let stored = keys.stored(provider).filter(|_| !sent.own && !keys.local_required);
        let lent = stored
            .filter(|_| !is_page(headers) && base.keeps_secrets() && !target.chosen_by_client)
            .and_then(|key| Lent::new(key, provider, path));
        let moved = Moved::new(headers, provider, path, shape)
            .filter(|_| !shape.passthrough || !matches!(provider.key.form, KeyForm::Header { .. }));
        let aws = provider.key.form == KeyForm::Aws && !sent.own;
        let signs = aws && lent.is_none();
        if signs {
            may_sign(keys, provider, target, headers)?;
        }
        return Ok(Auth { lent, local: None, moved, unsigned: aws, signs });
    };
    let user = keys.local(&local).ok_or(
        "LLMFlow does not know this local key: it was taken back, or it belongs to another installation. Make one \
         on LLMFlow's Providers page and put it into the tool's settings.",
    )?;
    let name = &provider.display_name;
    if is_page(headers) {
        return Err(format!("A web page sent a local key. LLMFlow lends {name}'s key to programs only."));
    }
    user.calls_now();
    let local = Some(user.clone());
    if sent.own || provider.key.form == KeyForm::NotNeeded {
        return Ok(Auth { local, ..Auth::default() });
    }
    if target.chosen_by_client {
        return Err(format!(
            "LLMFlow does not send {name}'s key to {}, which the client chose. Make it a provider of its own in the \
             settings, or send the key that belongs there.",
            base.authority
        ));
    }
    if !base.keeps_secrets() {
        return Err(format!(
            "LLMFlow does not send {name}'s key in clear over a network: {} is asked by http. Set providers.{}.base_url \
             to an address with https.",
            base.authority, provider.name
        ));
    }
    let lent = keys.stored(provider).and_then(|key| Lent::new(key, provider, path));
    let aws = provider.key.form == KeyForm::Aws;
    if aws && lent.is_none() {
        return Ok(Auth { local, unsigned: true, signs: true, ..Auth::default() });
    }
    let lent = lent.ok_or_else(|| {
        let variable = provider.key.variables.first().map(|name| format!(", or set {name} and start LLMFlow again"));
        let otherwise = variable.unwrap_or_default();
        format!("LLMFlow has no key for {name} to put in the local key's place. Add it on the Providers page{otherwise}.")
    })?;
    Ok(Auth { lent: Some(lent), local, unsigned: aws, ..Auth::default() })
}

/// Whether a request carries a local key that is known, wherever clients put keys.
pub(crate) fn has_local_key<B>(keys: &KeyRing, request: &http::Request<B>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let sent = Sent::of(request.headers(), query, KeyForm::Bearer);
    sent.local.is_some_and(|key| keys.local(&key).is_some())
}

/// Whether a call without a local key may be signed with this machine's credentials; an error says why not. A signature is
/// as good as a key: the same rules hold.
fn may_sign(keys: &KeyRing, provider: &Provider, target: &Target, headers: &HeaderMap) -> Result<(), String> {
    let name = &provider.display_name;
    if is_page(headers) {
        return Err(format!(
            "A web page called {name} without a key of its own. LLMFlow signs with this machine's AWS credentials for \
             programs only."
        ));
    }
    if keys.local_required {
        return Err(format!(
            "LLMFlow signs calls to {name} only for tools with a local key (local_keys_required in its settings). Make one \
             on its Providers page and give it to the tool as AWS_BEARER_TOKEN_BEDROCK."
        ));
    }
    if target.chosen_by_client {
        return Err(format!(
            "LLMFlow does not sign calls to {}, which the client chose.",
            target.base.authority
        ));
    }
    if !target.base.keeps_secrets() {
        return Err(format!(
            "LLMFlow does not sign calls that go in clear over a network: {} is asked by http. Set \
             providers.{}.base_url to an address with https.",
            target.base.authority, provider.name
        ));
    }
    Ok(())
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
    fn of(headers: &HeaderMap, query: &str, form: KeyForm) -> Self {
        let mut sent = Self::default();
        for name in &HEADERS {
            let counts = match form {
                KeyForm::Beside { name: own } => name.as_str() == own,
                KeyForm::Aws => *name == header::AUTHORIZATION,
                _ => *name != HELICONE,
            };
            for value in headers.get_all(name) {
                if form == KeyForm::Aws && bedrock::is_signature(value) {
                    continue;
                }
                match token(value) {
                    Some(token) => sent.add(token, counts),
                    None => sent.own |= counts,
                }
            }
        }
        let counts = !matches!(form, KeyForm::Beside { .. } | KeyForm::Aws);
        for key in protocols(headers).filter_map(key_of_protocol) {
            sent.add(key, counts);
        }
        for (_, value) in pairs(query).filter(|(name, _)| is_parameter(name)) {
            sent.add(&decode_percent(value), counts);
        }
        sent
    }

    /// `counts` says whether a key in this place is one for this provider.
    fn add(&mut self, token: &str, counts: bool) {
        match token {
            // An SDK that was given no key may send its header all the same.
            "" => {}
            local if is_local(local) => _ = self.local.get_or_insert_with(|| local.to_owned()),
            _ => self.own |= counts,
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
            KeyForm::Header { name, bearer_below }
                if bearer_below.is_none_or(|below| !is_below(path, below)) =>
            {
                (HeaderName::from_static(name), key.to_owned())
            }
            KeyForm::Bearer | KeyForm::Header { .. } | KeyForm::Aws => (header::AUTHORIZATION, bearer(key)),
            KeyForm::Beside { name } => (HeaderName::from_static(name), bearer(key)),
            KeyForm::NotNeeded => return None,
        };
        let mut value = HeaderValue::try_from(zeroize::Zeroizing::new(text).as_str()).ok()?;
        value.set_sensitive(true);
        Some(Self { header, value })
    }
}

impl Moved {
    /// What an OpenAI SDK that was pointed at `provider` makes of its key, put where the provider looks for it. Only what
    /// is an API key by its form: a bearer of another kind (OAuth, Entra) is one there too.
    fn new(headers: &HeaderMap, provider: &Provider, path: &str, shape: Shape) -> Option<Self> {
        let single = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        match provider.key.form {
            KeyForm::Header { name, .. } if !headers.contains_key(name) => {
                let (scheme, key) = split_scheme(single(&header::AUTHORIZATION)?.to_str().ok()?.trim());
                let is_key =
                    scheme.trim().eq_ignore_ascii_case("bearer") && is_api_key(name, key, shape.translated);
                let to = Placed::new(key, provider, path)
                    .filter(|to| is_key && to.header != header::AUTHORIZATION)?;
                Some(Self { from: header::AUTHORIZATION, to })
            }
            KeyForm::Beside { name } => {
                let from = HeaderName::from_static(name);
                let (scheme, key) = split_scheme(single(&from)?.to_str().ok()?.trim());
                let bare = scheme.is_empty() && !key.is_empty();
                let to = Placed::new(key, provider, path).filter(|_| bare)?;
                Some(Self { from, to })
            }
            _ => None,
        }
    }
}

/// Whether a token that came as a bearer is a key of those that go into the header `name`.
fn is_api_key(name: &str, token: &str, translated: bool) -> bool {
    match name {
        // An OpenAI SDK makes a bearer of every key, whatever its form; access tokens have theirs.
        "x-api-key" if translated => !token.is_empty() && !token.starts_with("sk-ant-oat"),
        "x-goog-api-key" if translated => !token.is_empty() && !token.starts_with("ya29."),
        "x-api-key" => token.starts_with("sk-ant-api"),
        "x-goog-api-key" => token.starts_with("AIza"),
        // Entra's tokens are JSON web tokens.
        "api-key" => !token.is_empty() && !token.contains('.'),
        _ => false,
    }
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
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

    /// Whether the call is lent a key.
    pub(crate) fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Whether the call is signed with this machine's AWS credentials.
    pub(crate) fn signs(&self) -> bool {
        self.signs
    }

    /// Takes a local key out and puts the lent one in; all other headers stay as and where they are.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        if self.unsigned {
            bedrock::take_off(headers);
        }
        if self.lent.is_none() && self.local.is_none() && self.moved.is_none() {
            return;
        }
        let mut placed = self.lent.as_ref().map(|lent| &lent.placed);
        let target = placed.map(|placed| placed.header.clone());
        // The map is made anew, since removing from one would change the order of the others.
        for (name, value) in &std::mem::take(headers) {
            if let Some(Moved { to, .. }) = self.moved.as_ref().filter(|moved| *name == moved.from) {
                headers.append(to.header.clone(), to.value.clone());
            } else if Some(name) == target.as_ref() {
                // What stood here was empty or a local key.
                if let Some(placed) = placed.take() {
                    headers.append(name, placed.value.clone());
                }
            } else if *name == header::SEC_WEBSOCKET_PROTOCOL {
                headers.extend(without_local(value).map(|value| (name.clone(), value)));
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

/// A WebSocket's subprotocols, among which a web page has to put its key.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(','))
}

/// The subprotocols without a local key; `None` when nothing else is left.
fn without_local(value: &HeaderValue) -> Option<HeaderValue> {
    let carries = |protocol: &&str| key_of_protocol(protocol).is_some_and(is_local);
    let Some(text) = value.to_str().ok().filter(|text| text.split(',').any(|one| carries(&one))) else {
        return Some(value.clone());
    };
    let kept: Vec<&str> = text.split(',').filter(|one| !carries(one)).collect();
    HeaderValue::from_str(kept.join(",").trim()).ok().filter(|value| !value.is_empty())
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
