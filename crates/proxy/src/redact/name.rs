//! Which header and parameter names carry credentials, and which values look like one under any name.

/// Names, without their punctuation, that sound like credentials and are not.
const HARMLESS: &[&str] =
    &["idempotencykey", "xidempotencykey", "secwebsocketkey", "promptcachekey", "xpromptcachekey"];
/// A name with one of these words in it carries a credential.
const WORDS: &[&str] = &[
    "auth",
    "authorization",
    "authentication",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "apikey",
    "password",
    "passwd",
    "pwd",
    "secret",
    "sig",
    "signature",
    "token",
    "bearer",
];
/// So does one that ends so when it is written in one word.
const ENDINGS: &[&str] = &["token", "key", "secret", "password", "signature", "jwt", "credential", "cookie"];
/// How keys of well-known makers begin.
const PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "pk-lf-",
    "AIza",
    "ya29.",
    "gsk_",
    "xai-",
    "pplx-",
    "hf_",
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "r8_",
    "fw_",
    "csk-",
    "nvapi-",
    "tgp_v1_",
    "vck_",
];
const SHORTEST_KEY: usize = 16;

/// Whether a header or query parameter of this name carries a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if HARMLESS.contains(&letters.as_str()) {
        return false;
    }
    name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
        || ENDINGS.iter().any(|ending| letters.ends_with(ending))
}

/// Whether this header is what authenticates the call, so that its mark identifies the caller.
pub(super) fn authenticates(name: &str) -> bool {
    matches!(name, "authorization" | "x-api-key" | "api-key" | "x-goog-api-key" | "helicone-auth")
}

/// What stands before a key that a web page, which can set no other header, puts among a WebSocket's subprotocols.
const KEY_AS_PROTOCOL: &str = "openai-insecure-api-key.";

/// The key that a WebSocket's subprotocol carries.
pub(crate) fn key_of_protocol(protocol: &str) -> Option<&str> {
    let key = protocol.trim().strip_prefix(KEY_AS_PROTOCOL);
    key.or_else(|| Some(protocol.trim()).filter(|protocol| looks_like_credential(protocol)))
}

/// Whether a value is a key by its looks: a known maker's prefix, or a JSON web token.
pub(super) fn looks_like_credential(value: &str) -> bool {
    let long_enough = value.len() >= SHORTEST_KEY && !value.contains(char::is_whitespace);
    let prefixed = |prefix: &&str| value.starts_with(*prefix);
    (long_enough && PREFIXES.iter().any(prefixed))
        || value.starts_with("Bearer ")
        || (value.starts_with("eyJ") && value.split('.').count() == 3)
}
