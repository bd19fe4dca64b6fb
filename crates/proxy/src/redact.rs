//! Credentials never leave this crate in clear: what counts as one, and the keyed fingerprint put in its place.
//! Leaves out cutting them from bodies at the right moment: that is the recorder's reader, through [`Secrets::scrub`].

mod name;
mod secrets;

use api::Header;
use http::{HeaderMap, HeaderValue, header};

pub(crate) use name::key_of_protocol;
pub use secrets::Secrets;
pub(crate) use secrets::decode_percent;

/// A shorter parameter of an authorization scheme is a name or a flag.
const SHORTEST_PARAMETER: usize = 16;

/// Replaces credentials by a fingerprint under a key that stays on this machine.
#[derive(Clone)]
pub struct Fingerprinter {
    key: [u8; 32],
}

impl std::fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprinter")
    }
}

impl Fingerprinter {
    /// Fingerprints under `key`, which must be random and private.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The text that stands for `secret`: the same for the same secret, useless without the key.
    pub fn mark(&self, secret: &[u8]) -> String {
        let hash = blake3::keyed_hash(&self.key, secret);
        let hex = hash.to_hex();
        format!("[key:{}]", hex.get(..12).unwrap_or_default())
    }

    /// The headers in order with credentials replaced, the credentials added to `secrets`.
    /// `first` receives the mark of the first credential that authenticates the call.
    pub fn headers(
        &self,
        headers: &HeaderMap,
        secrets: &mut Secrets,
        first: &mut Option<String>,
    ) -> Vec<Header> {
        headers
            .iter()
            .map(|(name, value)| {
                let value = self.header(name.as_str(), value, secrets, first);
                Header { name: name.as_str().to_owned(), value }
            })
            .collect()
    }

    fn header(
        &self,
        name: &str,
        value: &HeaderValue,
        secrets: &mut Secrets,
        first: &mut Option<String>,
    ) -> String {
        let text = String::from_utf8_lossy(value.as_bytes());
        if name == header::SEC_WEBSOCKET_PROTOCOL.as_str() {
            return self.protocols(&text, secrets, first);
        }
        if !name::is_credential(name) && !name::looks_like_credential(&text) {
            return match text.split_once('?') {
                // Referer, Location and the like hold a whole URL.
                Some((path, query)) => format!("{path}?{}", self.query(query, secrets, &mut None)),
                None => text.into_owned(),
            };
        }
        let (scheme, secret) = split_scheme(&text);
        secrets.add(secret, &self.mark(secret.as_bytes()));
        if name.ends_with("cookie") {
            self.cookies(&text, name == "set-cookie", secrets);
        } else if scheme.eq_ignore_ascii_case("basic") {
            self.basic(secret, secrets);
        } else if !scheme.is_empty() {
            self.parameters(secret, secrets);
        }
        let mark = self.mark(secret.as_bytes());
        if first.is_none() && name::authenticates(name) {
            *first = Some(mark.clone());
        }
        if scheme.is_empty() { mark } else { format!("{scheme} {mark}") }
    }

    /// A WebSocket's subprotocols, a key among them replaced.
    fn protocols(&self, text: &str, secrets: &mut Secrets, first: &mut Option<String>) -> String {
        let shown = text.split(',').map(|protocol| {
            let Some(key) = name::key_of_protocol(protocol) else { return protocol.to_owned() };
            let mark = self.mark(key.as_bytes());
            secrets.add(key, &mark);
            let shown = protocol.replace(key, &mark);
            first.get_or_insert(mark);
            shown
        });
        shown.collect::<Vec<_>>().join(",")
    }

    /// What follows the first pair of a Set-Cookie are its attributes, which are no secrets.
    fn cookies(&self, text: &str, only_first: bool, secrets: &mut Secrets) {
        let pairs = text.split(';').take(if only_first { 1 } else { usize::MAX });
        for value in pairs.filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim()) {
            secrets.add(value, &self.mark(value.as_bytes()));
        }
    }

    /// `Credential=a, Signature=b`: an echo may hold one of them alone.
    fn parameters(&self, list: &str, secrets: &mut Secrets) {
        for (_, value) in list.split([',', ' ']).filter_map(|pair| pair.split_once('=')) {
            let value = value.trim_matches('"');
            if value.len() >= SHORTEST_PARAMETER {
                secrets.add(value, &self.mark(value.as_bytes()));
            }
        }
    }

    fn basic(&self, encoded: &str, secrets: &mut Secrets) {
        if let Some(decoded) = secrets::decode_base64(encoded).and_then(|bytes| String::from_utf8(bytes).ok())
        {
            secrets.add(&decoded, &self.mark(decoded.as_bytes()));
            if let Some((_, password)) = decoded.split_once(':') {
                secrets.add(password, &self.mark(password.as_bytes()));
            }
        }
    }

    /// The query string with the values of credential parameters replaced, the credentials added to `secrets`.
    pub fn query(&self, query: &str, secrets: &mut Secrets, first: &mut Option<String>) -> String {
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| {
                let Some((parameter, value)) = pair.split_once('=') else { return pair.to_owned() };
                let plain = secrets::decode_percent(value);
                if value.is_empty()
                    || !(name::is_credential(&secrets::decode_percent(parameter))
                        || name::looks_like_credential(&plain))
                {
                    return pair.to_owned();
                }
                let mark = self.mark(plain.as_bytes());
                secrets.add(&plain, &mark);
                secrets.add(value, &mark);
                if first.is_none() {
                    *first = Some(mark.clone());
                }
                format!("{parameter}={mark}")
            })
            .collect();
        pairs.join("&")
    }
}

/// `Bearer abc` is `Bearer` and `abc`; a value without a scheme has an empty one.
pub(crate) fn split_scheme(value: &str) -> (&str, &str) {
    match value.split_once(' ') {
        // A scheme is one token (RFC 9110); a cookie's first word holds `=` or `;`.
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            (scheme, rest.trim())
        }
        _ => ("", value.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(pairs: &[(&str, &str)]) -> (Vec<Header>, Secrets, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let (mut secrets, mut first) = (Secrets::default(), None);
        let headers = Fingerprinter::new([7; 32]).headers(&headers, &mut secrets, &mut first);
        (headers, secrets, first)
    }

    #[test]
    fn every_credential_header_becomes_a_mark() {
        let secret = "canary-0123456789abcdef";
        for name in [
            "authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "cookie",
            "set-cookie",
            "proxy-authorization",
            "helicone-auth",
            "x-amz-security-token",
            "x-auth-token",
            "ocp-apim-subscription-key",
            "x-functions-key",
            "x-access-token",
            "cf-access-client-secret",
            "x-csrf-token",
            "private-token",
            "x-mytoken",
            "openai-accesskey",
        ] {
            let (headers, secrets, _) = redact(&[(name, secret), ("x-echo", "fine")]);
            assert!(headers[0].value.starts_with("[key:"), "{name}: {}", headers[0].value);
            assert!(!secrets.is_empty(), "{name}");
            assert_eq!(headers[1].value, "fine");
        }
    }

    #[test]
    fn the_scheme_stays_and_the_same_key_has_the_same_mark() {
        let (headers, _, first) = redact(&[("authorization", "Bearer sk-abcdefgh12345678")]);
        let (other, _, _) = redact(&[("x-api-key", "sk-abcdefgh12345678")]);
        assert_eq!(headers[0].value, format!("Bearer {}", other[0].value));
        assert_eq!(first, Some(other[0].value.clone()));
    }

    #[test]
    fn a_key_among_subprotocols_becomes_a_mark() {
        let sent = "realtime, openai-insecure-api-key.canary-0123456789, openai-beta.realtime-v1";
        let (headers, secrets, first) = redact(&[("sec-websocket-protocol", sent)]);
        let mark = first.unwrap();
        let shown = format!("realtime, openai-insecure-api-key.{mark}, openai-beta.realtime-v1");
        assert_eq!(headers[0].value, shown);
        assert!(secrets.scrub(b"echo: canary-0123456789").is_some());
        let (headers, secrets, first) = redact(&[("sec-websocket-protocol", "chat, v1")]);
        assert!(headers[0].value == "chat, v1" && secrets.is_empty() && first.is_none());
    }

    #[test]
    fn what_only_sounds_like_a_credential_stays() {
        for (name, value) in [
            ("anthropic-ratelimit-tokens-remaining", "4000"),
            ("x-ratelimit-limit-tokens", "10000"),
            ("idempotency-key", "stainless-node-retry-1"),
            ("x-stainless-retry-count", "0"),
            ("authority", "localhost"),
        ] {
            assert_eq!(redact(&[(name, value)]).0[0].value, value, "{name}");
        }
    }

    #[test]
    fn a_key_by_its_looks_is_one_under_any_name() {
        for value in [
            "sk-ant-api03-abcdefgh",
            "AIzaSyA-abcdefghijklmnop",
            "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl",
            "gsk_abcdefghijklmnop",
        ] {
            assert!(redact(&[("x-anything", value)]).0[0].value.starts_with("[key:"), "{value}");
        }
    }

    #[test]
    fn query_credentials_become_marks_and_the_rest_stays() {
        let (mut secrets, mut first) = (Secrets::default(), None);
        let fingerprinter = Fingerprinter::new([7; 32]);
        let query = fingerprinter.query(
            "alt=sse&key=AIza%2Dsecret123&a&api_key=x1y2z3w4&b=",
            &mut secrets,
            &mut first,
        );
        assert!(query.starts_with("alt=sse&key=[key:"), "{query}");
        assert!(query.ends_with("]&b="), "{query}");
        assert!(!query.contains("secret123") && !query.contains("x1y2"), "{query}");
        let body = secrets.scrub(b"you sent AIza-secret123 and AIza%2Dsecret123");
        assert!(!String::from_utf8(body.unwrap()).unwrap().contains("secret123"));
        assert_eq!(first, Some(fingerprinter.mark(b"AIza-secret123")));
    }
}
