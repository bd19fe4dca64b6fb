//! Every provider's form, and everything that must keep a key from being lent.

use std::collections::BTreeMap;

use super::*;
use crate::BedrockChoice;
use crate::keys::local_hash;
use crate::provider::Providers;
use crate::upstream::{Choices, Upstreams};

const KEY: &str = "real-key-0123456789";
const LOCAL: &str = "lf-aider-0123456789abcdefghijABCDEFGHIJxy";

fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    for provider in Providers::built_in().iter() {
        ring.store(provider, KEY, "[key:1]".into());
    }
    ring.allow(local_hash(LOCAL), Arc::new(LocalUser::new("aider".into())));
    ring
}

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let pairs = headers.iter().map(|(name, value)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    });
    pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    })
}

struct Call<'a> {
    ring: KeyRing,
    provider: &'a str,
    base_url: Option<&'a str>,
    target: &'a str,
    chosen_by_client: bool,
    shape: Shape,
}

impl Call<'_> {
    /// What the upstream gets, or the refusal.
    fn sends(&self, headers: &[(&str, &str)]) -> Result<(String, Vec<(String, String)>), String> {
        let providers = Providers::built_in();
        let provider = providers.find(self.provider).unwrap();
        let base_urls: BTreeMap<String, String> =
            self.base_url.iter().map(|url| (self.provider.to_owned(), (*url).to_owned())).collect();
        let azure = crate::Azure { resource: Some("r".into()), ..crate::Azure::default() };
        let bedrock = BedrockChoice { region: Some("eu-west-1".into()), ..BedrockChoice::default() };
        let upstreams = Upstreams::new(Choices { base_urls, azure, bedrock, ..Choices::default() }).unwrap();
        let mut headers = map(headers);
        let target = Target {
            region: None,
            base: upstreams.settled_base(provider).unwrap(),
            path_and_query: self.target.to_owned(),
            needs_model: false,
            chosen_by_client: self.chosen_by_client,
        };
        let auth = judge(&self.ring, provider, &target, self.shape, &headers)?;
        auth.apply(&mut headers);
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        Ok((auth.path_and_query(self.target).into_owned(), headers.iter().map(text).collect()))
    }

    fn headers(&self, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        self.sends(headers).unwrap().1
    }
}

fn call(provider: &str) -> Call<'_> {
    Call {
        ring: ring(),
        provider,
        base_url: None,
        target: "/v1/x",
        chosen_by_client: false,
        shape: Shape::default(),
    }
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn each_provider_gets_the_key_in_its_own_form() {
    let bearer = ("authorization", "Bearer real-key-0123456789");
    for (provider, target, expected) in [
        ("openai", "/v1/chat/completions", Some(bearer)),
        ("anthropic", "/v1/messages", Some(("x-api-key", KEY))),
        ("anthropic", "/v1/chat/completions", Some(bearer)),
        ("gemini", "/v1beta/models/m:generateContent", Some(("x-goog-api-key", KEY))),
        ("gemini", "/v1beta/openai/chat/completions", Some(bearer)),
        ("azure", "/openai/v1/responses", Some(("api-key", KEY))),
        ("bedrock", "/model/m/invoke", Some(bearer)),
        ("helicone", "/v1/chat/completions", Some(("helicone-auth", bearer.1))),
        ("cohere", "/v2/chat", Some(bearer)),
        ("groq", "/openai/v1/chat/completions", Some(bearer)),
        ("mistral", "/v1/chat/completions", Some(bearer)),
        ("together", "/v1/chat/completions", Some(bearer)),
        ("perplexity", "/chat/completions", Some(bearer)),
        ("openrouter", "/api/v1/chat/completions", Some(bearer)),
        ("deepseek", "/chat/completions", Some(bearer)),
        ("xai", "/v1/responses", Some(bearer)),
        ("fireworks", "/inference/v1/chat/completions", Some(bearer)),
        ("cerebras", "/v1/chat/completions", Some(bearer)),
        ("ollama", "/api/chat", None),
        ("lmstudio", "/v1/models", None),
        ("vllm", "/v1/models", None),
    ] {
        let call = Call { target, ..call(provider) };
        // With no key, with an empty one, and with a local one in every place.
        let mut expectation = vec![("user-agent", "x")];
        expectation.extend(expected);
        assert_eq!(call.headers(&[("user-agent", "x")]), owned(&expectation), "{provider}");
        let bearer_local = format!("Bearer {LOCAL}");
        for (name, value) in [
            ("authorization", bearer_local.as_str()),
            ("x-api-key", LOCAL),
            ("api-key", LOCAL),
            ("x-goog-api-key", LOCAL),
            ("helicone-auth", bearer_local.as_str()),
        ] {
            let mut sent = call.headers(&[(name, value), ("user-agent", "x")]);
            sent.sort_by_key(|(name, _)| name != "user-agent");
            assert_eq!(sent, owned(&expectation), "{provider}, a local key in {name}");
        }
    }
}

#[test]
fn a_key_takes_the_place_of_an_empty_or_local_one_and_the_order_stays() {
    let local = format!("Bearer {LOCAL}");
    for placeholder in ["Bearer ", "Bearer", "", &local] {
        let sent =
            call("openai").headers(&[("a", "1"), ("authorization", placeholder), ("b", "2"), ("a", "3")]);
        let expected = [("a", "1"), ("a", "3"), ("authorization", "Bearer real-key-0123456789"), ("b", "2")];
        assert_eq!(sent, owned(&expected), "{placeholder:?}");
    }
}

#[test]
fn a_local_key_in_the_query_is_taken_out_and_nothing_else() {
    for (target, expected) in [
        ("/m?key=LOCAL", "/m"),
        ("/m?alt=sse&key=LOCAL&x=%2f", "/m?alt=sse&x=%2f"),
        ("/m?%6bey=LOCAL&a", "/m?a"),
        ("/m?a=LOCAL&key=LOCAL", "/m?a=LOCAL"),
    ] {
        let (target, expected) = (target.replace("LOCAL", LOCAL), expected.replace("LOCAL", LOCAL));
        let (path, headers) = Call { target: &target, ..call("gemini") }.sends(&[]).unwrap();
        assert_eq!((path, headers), (expected, owned(&[("x-goog-api-key", KEY)])));
    }
}

#[test]
fn a_clients_own_credential_is_left_alone() {
    for header in [
        ("authorization", "Bearer sk-own"),
        ("authorization", "Bearer sk-ant-oat01-own"),
        ("authorization", "sk-own"),
        ("authorization", "Basic dTpw"),
        ("x-api-key", "own"),
        ("api-key", "own"),
        ("x-goog-api-key", "own"),
    ] {
        for provider in Providers::built_in().iter() {
            // Helicone's key goes beside it, Azure takes no key as a bearer, and AWS looks nowhere else for one.
            let taken = match provider.name.as_str() {
                "helicone" => false,
                "azure" => !header.1.starts_with("Bearer"),
                "bedrock" => header.0 == "authorization",
                _ => true,
            };
            if taken {
                let sent = call(&provider.name).headers(&[header, ("b", "2")]);
                assert_eq!(sent, owned(&[header, ("b", "2")]), "{}", provider.name);
            }
        }
    }
    let target = "/m?alt=sse&key=own%2F";
    assert_eq!(Call { target, ..call("gemini") }.sends(&[]), Ok((target.into(), Vec::new())));
    // Its own beside a local one: the local one still never leaves.
    let sent = call("anthropic").headers(&[("x-api-key", LOCAL), ("authorization", "Bearer oauth")]);
    assert_eq!(sent, owned(&[("authorization", "Bearer oauth")]));
}

#[test]
fn a_web_page_gets_no_key() {
    for page in [
        ("origin", "http://localhost:5173"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(call("openai").headers(&[page]), owned(&[page]));
        assert!(call("openai").sends(&[page, ("x-api-key", LOCAL)]).unwrap_err().contains("web page"));
    }
    assert_eq!(call("openai").headers(&[("sec-fetch-site", "none")]).len(), 2);
    let twice = [("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
    assert_eq!(call("openai").headers(&twice), owned(&twice));
}

#[test]
fn a_key_is_not_sent_in_clear_over_a_network() {
    for (base_url, lent) in [
        ("http://gateway.example", false),
        ("http://192.168.0.7:4000/v1", false),
        ("http://127.0.0.1.nip.io", false),
        ("http://127.0.0.1:9", true),
        ("http://[::1]:9", true),
        ("http://localhost:9", true),
        ("https://gateway.example", true),
    ] {
        let call = Call { base_url: Some(base_url), ..call("openai") };
        assert_eq!(call.headers(&[]).len(), usize::from(lent), "{base_url}");
        let local = call.sends(&[("x-api-key", LOCAL)]);
        assert_eq!(local.is_ok(), lent, "{base_url}");
        assert!(lent || local.unwrap_err().contains("providers.openai.base_url"));
    }
}

#[test]
fn a_local_key_that_opens_nothing_is_refused_with_the_remedy() {
    let unknown = call("openai").sends(&[("authorization", "Bearer lf-aider-nobody")]).unwrap_err();
    assert!(unknown.contains("Providers page") && !unknown.contains("nobody"), "{unknown}");
    let mut bare = KeyRing::default();
    bare.allow(local_hash(LOCAL), Arc::new(LocalUser::new("aider".into())));
    let keyless = Call { ring: bare, ..call("gemini") }.sends(&[("x-api-key", LOCAL)]).unwrap_err();
    assert!(keyless.contains("Google Gemini") && keyless.contains("GEMINI_API_KEY"), "{keyless}");
}

#[test]
fn when_local_keys_are_required_nobody_else_is_lent_a_key() {
    let mut call = call("openai");
    call.ring.local_required = true;
    assert_eq!(call.headers(&[]), Vec::new());
    assert_eq!(call.headers(&[("x-api-key", LOCAL)]).len(), 1);
}

#[test]
fn an_api_key_that_came_as_a_bearer_goes_where_its_provider_looks_for_it() {
    let (jwt, oauth) = ("Bearer eyJ0.eyJh.c2ln", "Bearer sk-ant-oat01-own");
    for (provider, target, bearer, expected) in [
        ("anthropic", "/v1/messages", "Bearer sk-ant-api03-own", ("x-api-key", "sk-ant-api03-own")),
        (
            "anthropic",
            "/v1/chat/completions",
            "Bearer sk-ant-api03-own",
            ("authorization", "Bearer sk-ant-api03-own"),
        ),
        ("anthropic", "/v1/messages", oauth, ("authorization", oauth)),
        ("gemini", "/v1beta/models/m:generateContent", "bearer AIzaOwn", ("x-goog-api-key", "AIzaOwn")),
        (
            "gemini",
            "/v1beta/models/m:generateContent",
            "Bearer ya29.own",
            ("authorization", "Bearer ya29.own"),
        ),
        ("azure", "/openai/v1/responses", "Bearer own", ("api-key", "own")),
        ("azure", "/openai/v1/responses", jwt, ("authorization", jwt)),
        ("openai", "/v1/responses", "Bearer own", ("authorization", "Bearer own")),
    ] {
        let call = Call { target, ..call(provider) };
        let sent = call.headers(&[("a", "1"), ("authorization", bearer), ("b", "2")]);
        assert_eq!(sent, owned(&[("a", "1"), expected, ("b", "2")]), "{provider} {bearer}");
        let untouched = Call { shape: Shape { passthrough: true, ..Shape::default() }, ..call };
        assert_eq!(untouched.headers(&[("authorization", bearer)]), owned(&[("authorization", bearer)]));
    }
    // What an OpenAI SDK sends to be translated is a key in any form, unless it is somebody's access token.
    for (provider, bearer, expected) in [
        ("anthropic", "Bearer own", ("x-api-key", "own")),
        ("anthropic", oauth, ("authorization", oauth)),
        ("gemini", "Bearer AQ.own", ("x-goog-api-key", "AQ.own")),
        ("gemini", "Bearer ya29.own", ("authorization", "Bearer ya29.own")),
        ("cohere", "Bearer own", ("authorization", "Bearer own")),
    ] {
        let translated = Call { shape: Shape { translated: true, ..Shape::default() }, ..call(provider) };
        assert_eq!(
            translated.headers(&[("authorization", bearer)]),
            owned(&[expected]),
            "{provider} {bearer}"
        );
    }
    let both = [("api-key", "own"), ("authorization", "Bearer other")];
    assert_eq!(call("azure").headers(&both), owned(&both), "its own header wins");
}

#[test]
fn helicones_key_travels_beside_the_providers() {
    let bearer = ("helicone-auth", "Bearer real-key-0123456789");
    let openai = ("authorization", "Bearer sk-own");
    assert_eq!(call("helicone").headers(&[openai]), owned(&[openai, bearer]));
    for (own, sent) in
        [("Bearer sk-helicone-own", "Bearer sk-helicone-own"), ("sk-helicone-own", "Bearer sk-helicone-own")]
    {
        assert_eq!(
            call("helicone").headers(&[openai, ("helicone-auth", own)]),
            owned(&[openai, ("helicone-auth", sent)])
        );
        let passthrough = Call { shape: Shape { passthrough: true, ..Shape::default() }, ..call("helicone") };
        assert_eq!(
            passthrough.headers(&[openai, ("helicone-auth", own)]),
            owned(&[openai, ("helicone-auth", sent)])
        );
    }
    assert_eq!(call("openai").headers(&[("helicone-auth", "x")]).len(), 2, "it is no key of OpenAI's");
}

#[test]
fn a_host_that_the_client_chose_gets_no_key() {
    let call = Call { chosen_by_client: true, ..call("azure") };
    assert_eq!(call.headers(&[]), Vec::new());
    assert!(call.sends(&[("api-key", LOCAL)]).unwrap_err().contains("which the client chose"));
    assert_eq!(call.headers(&[("api-key", "own")]), owned(&[("api-key", "own")]));
}

const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-west-2/bedrock/aws4_request, \
                         SignedHeaders=host;x-amz-date, Signature=abcdef0123456789";

#[test]
fn a_signature_is_taken_off_and_a_key_or_another_signature_takes_its_place() {
    let signed = [
        ("content-type", "application/json"),
        ("x-amz-date", "20261121T000000Z"),
        ("authorization", SIGNATURE),
        ("x-amz-security-token", "session"),
        ("x-amzn-bedrock-trace", "ENABLED"),
    ];
    let kept = [("content-type", "application/json"), ("x-amzn-bedrock-trace", "ENABLED")];
    let mut lent = call("bedrock").headers(&signed);
    assert_eq!(lent.pop(), Some(("authorization".into(), format!("Bearer {KEY}"))));
    assert_eq!(lent, owned(&kept));
    let bare = || Call { ring: KeyRing::default(), ..call("bedrock") };
    let judged = |call: &Call<'_>, headers: &[(&str, &str)]| {
        let providers = Providers::built_in();
        let bedrock = BedrockChoice { region: Some("eu-west-1".into()), ..BedrockChoice::default() };
        let upstreams = Upstreams::new(Choices { bedrock, ..Choices::default() }).unwrap();
        let provider = providers.find("bedrock").unwrap();
        let base = upstreams.settled_base(provider).unwrap();
        let target = Target {
            base,
            path_and_query: "/model/m/invoke".into(),
            needs_model: false,
            chosen_by_client: call.chosen_by_client,
            region: Some("eu-west-1".into()),
        };
        judge(&call.ring, provider, &target, Shape::default(), &map(headers))
    };
    assert_eq!(bare().headers(&signed), owned(&kept));
    for headers in [&signed[..], &kept, &[("authorization", "Bearer ")]] {
        assert!(judged(&bare(), headers).unwrap().signs(), "{headers:?}");
    }
    let own = [("authorization", "Bearer bedrock-api-key-own"), ("x-amz-date", "1")];
    assert!(!judged(&bare(), &own).unwrap().signs());
    assert_eq!(bare().headers(&own), owned(&own), "a key of its own goes on as it came");
    // With a local key, and never for whom a key would not be lent.
    let local = format!("Bearer {LOCAL}");
    let only_local = || {
        let mut ring = KeyRing::default();
        ring.allow(local_hash(LOCAL), Arc::new(LocalUser::new("aider".into())));
        ring.local_required = true;
        Call { ring, ..call("bedrock") }
    };
    assert!(judged(&only_local(), &[("authorization", &local)]).unwrap().signs());
    for (call, headers, word) in [
        (only_local(), &signed[..], "local_keys_required"),
        (bare(), &[("origin", "http://localhost:5173")], "web page"),
        (Call { chosen_by_client: true, ..bare() }, &kept, "chose"),
    ] {
        let refused = judged(&call, headers).unwrap_err();
        assert!(refused.contains(word), "{refused}");
    }
}
