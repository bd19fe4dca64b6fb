//! AWS's Signature Version 4 from the other side: whether a request that arrived carries a good signature. Written after
//! AWS's description of the algorithm, and not with the library that the product signs with.

use sha2::{Digest, Sha256};

use crate::mock::Received;

/// What a good signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The id of the key.
    pub id: String,
    /// The region it was signed for.
    pub region: String,
    /// When, as `20261121T180000Z`.
    pub date: String,
    /// The session that the credentials belong to.
    pub token: Option<String>,
    /// The names of the headers that are covered.
    pub headers: Vec<String>,
}

/// Checks a request's signature for the service `bedrock`, made with `secret`.
///
/// # Panics
/// When there is none, or it is wrong.
pub fn verify(received: &Received, secret: &str) -> Signed {
    let header =
        |name: &str| received.head.header(name).unwrap_or_else(|| panic!("no {name}: {:?}", received.head));
    let authorization = header("authorization");
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").expect("a signature").split(',');
    let field = |name: &str| {
        let found = fields.clone().find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("no {name} in {authorization}")).to_owned()
    };
    let credential = field("Credential");
    let scope: Vec<&str> = credential.split('/').collect();
    let [id, day, region, service, end] = &scope[..] else { panic!("{credential}") };
    assert_eq!((*service, *end), ("bedrock", "aws4_request"));
    let date = header("x-amz-date");
    assert!(date.starts_with(day), "{date} and {day}");
    let names = field("SignedHeaders");
    let headers: Vec<String> = names.split(';').map(str::to_owned).collect();
    assert!(headers.is_sorted() && headers.contains(&"host".to_owned()), "{names}");
    for line in &received.head.headers {
        let name = line.name.to_ascii_lowercase();
        assert!(!name.starts_with("x-amz-") || headers.contains(&name), "{name} is not covered by {names}");
    }
    let lines: String = headers.iter().map(|name| format!("{name}:{}\n", values(received, name))).collect();
    let request = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        received.method(),
        encoded(received.path()),
        query(received.target()),
        hex(&Sha256::digest(&received.body)),
    );
    let scope = format!("{day}/{region}/bedrock/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(&request)));
    let key = [*day, *region, "bedrock", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()).to_vec());
    assert_eq!(field("Signature"), hex(&hmac(&key, text.as_bytes())), "of\n{request}");
    let token = received.head.header("x-amz-security-token");
    Signed { id: (*id).to_owned(), region: (*region).to_owned(), date, token, headers }
}

fn values(received: &Received, name: &str) -> String {
    let lines = received.head.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
    let plain = |value: &[u8]| {
        String::from_utf8_lossy(value)
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    lines.map(|line| plain(&line.value)).collect::<Vec<_>>().join(",")
}

/// Every segment encoded once more, as all services but S3 want it.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn query(target: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = target
        .split_once('?')
        .map(|(_, query)| query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
        .unwrap_or_default();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    match key.len() {
        0..=64 => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let with = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(with(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(with(0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
