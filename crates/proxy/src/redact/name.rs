//! Which header and parameter names carry credentials, and which values look like one under any name.

/// Names that sound like credentials and are not.
const HARMLESS: &[&str] =
    &["idempotency-key", "sec-websocket-key", "x-prompt-cache-key", "x-idempotency-key"];
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
/// Whole names whose words do not tell.
const NAMES: &[&str] =
    &["accesstoken", "authtoken", "clientsecret", "x-amz-security-token", "x-amz-content-key"];
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

/// Whether a header or query parameter of this lower-case name carries a credential.
pub(super) fn is_credential(name: &str) -> bool {
    if HARMLESS.contains(&name) {
        return false;
    }
    NAMES.contains(&name) || name.split(['-', '_', '.']).any(|word| WORDS.contains(&word))
}

/// Whether this header is what authenticates the call, so that its mark identifies the caller.
pub(super) fn authenticates(name: &str) -> bool {
    matches!(name, "authorization" | "x-api-key" | "api-key" | "x-goog-api-key" | "helicone-auth")
}

/// Whether a value is a key by its looks: a known maker's prefix, or a JSON web token.
pub(super) fn looks_like_credential(value: &str) -> bool {
    let long_enough = value.len() >= SHORTEST_KEY && !value.contains(char::is_whitespace);
    let prefixed = |prefix: &&str| value.starts_with(*prefix);
    (long_enough && PREFIXES.iter().any(prefixed))
        || value.starts_with("Bearer ")
        || (value.starts_with("eyJ") && value.split('.').count() == 3)
}
