//! How a browser comes in where a token is asked for: a link that works once and soon, and the cookie that it gives. The
//! token itself never stands in an address or a cookie. Leaves out HTTP's side of both (`server`).

use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blake3::Hash;

use crate::token::Tokens;

/// How the cookie's name begins; a port follows, since cookies know none.
pub const COOKIE: &str = "llmflow_session";
/// A link works for so long, and once.
pub const LINK_LASTS: Duration = Duration::from_secs(10 * 60);
/// A cookie works for so long, unless the token is replaced.
pub const COOKIE_LASTS: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Links that wait to be followed; of more the oldest are forgotten.
const WAITING: usize = 32;

/// Links that nobody has followed yet, by hash.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<(Hash, Instant)>);

impl Tokens {
    /// The code of a new link.
    pub fn link(&self, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        let code = Hash::from_bytes(bytes).to_hex().to_string();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.0.retain(|(_, made)| now.duration_since(*made) < LINK_LASTS);
        if links.0.len() >= WAITING {
            links.0.remove(0);
        }
        links.0.push((blake3::hash(code.as_bytes()), now));
        Ok(code)
    }

    /// Takes a link's code for a cookie's value; `None` when it was taken before, is too old, or never was one.
    pub fn redeem(&self, code: &str, now: Instant, clock: SystemTime) -> Option<String> {
        let hash = blake3::hash(code.as_bytes());
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let place = links.0.iter().position(|(known, _)| *known == hash)?;
        let (_, made) = links.0.remove(place);
        drop(links);
        let until = seconds(clock + COOKIE_LASTS);
        (now.duration_since(made) < LINK_LASTS).then(|| format!("{until}.{}", self.proof(until).to_hex()))
    }

    /// Whether a cookie's value was given for the token that counts now, and not too long ago.
    pub fn is_cookie(&self, value: &str, clock: SystemTime) -> bool {
        let Some((until, proof)) = value.split_once('.') else { return false };
        let (Ok(until), Ok(proof)) = (until.parse::<u64>(), Hash::from_hex(proof)) else { return false };
        // Compared as hashes: that takes the same time wherever they differ.
        proof == self.proof(until) && seconds(clock) < until
    }

    fn proof(&self, until: u64) -> Hash {
        self.with(|current| blake3::keyed_hash(&current.cookies, &until.to_be_bytes()))
    }
}

fn seconds(clock: SystemTime) -> u64 {
    clock.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The values of our cookies in a `Cookie` header.
pub(crate) fn ours(header: &str) -> impl Iterator<Item = &str> {
    header
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| is_ours(name))
        .map(|(_, value)| value.trim())
}

/// A `Cookie` header without our cookies, which a browser sends to every port of this machine; `None` when it has none of
/// them.
pub fn without_cookie(header: &str) -> Option<String> {
    let is_ours = |pair: &&str| is_ours(pair.split('=').next().unwrap_or_default());
    if !header.split(';').any(|pair| is_ours(&pair)) {
        return None;
    }
    let others: Vec<&str> = header.split(';').filter(|pair| !is_ours(pair)).map(str::trim).collect();
    Some(others.join("; "))
}

fn is_ours(name: &str) -> bool {
    name.trim().starts_with(COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh;

    fn tokens() -> Tokens {
        Tokens::new(&fresh().unwrap())
    }

    #[test]
    fn a_link_works_once_and_soon() {
        let (tokens, now, clock) = (tokens(), Instant::now(), SystemTime::now());
        let code = tokens.link(now).unwrap();
        assert_eq!(tokens.redeem("", now, clock), None);
        assert_eq!(tokens.redeem(&code[1..], now, clock), None);
        assert!(tokens.redeem(&code, now, clock).is_some());
        assert_eq!(tokens.redeem(&code, now, clock), None, "once");
        let code = tokens.link(now).unwrap();
        assert_eq!(tokens.redeem(&code, now + LINK_LASTS, clock), None, "soon");
        let code = tokens.link(now).unwrap();
        tokens.replace(&fresh().unwrap());
        assert_eq!(tokens.redeem(&code, now, clock), None, "not after another token");
    }

    #[test]
    fn forgotten_links_take_no_room() {
        let (tokens, now, clock) = (tokens(), Instant::now(), SystemTime::now());
        let codes: Vec<String> = (0..=WAITING).map(|_| tokens.link(now).unwrap()).collect();
        assert_eq!(tokens.redeem(&codes[0], now, clock), None, "the oldest of too many");
        assert!(tokens.redeem(&codes[1], now, clock).is_some());
        let later = now + LINK_LASTS;
        tokens.link(later).unwrap();
        assert_eq!(tokens.links.lock().unwrap().0.len(), 1);
    }

    #[test]
    fn a_cookie_lasts_until_it_is_old_and_cannot_be_made() {
        let (tokens, now, clock) = (tokens(), Instant::now(), SystemTime::now());
        let code = tokens.link(now).unwrap();
        let cookie = tokens.redeem(&code, now, clock).unwrap();
        assert!(tokens.is_cookie(&cookie, clock));
        assert!(!tokens.is_cookie(&cookie, clock + COOKIE_LASTS));
        let (until, proof) = cookie.split_once('.').unwrap();
        let longer = format!("{}.{proof}", until.parse::<u64>().unwrap() + 1);
        let cut = format!("{until}.");
        for forged in [longer.as_str(), cut.as_str(), proof, "", ".", "0.", "99999999999999999999.x"] {
            assert!(!tokens.is_cookie(forged, clock), "{forged}");
        }
        assert!(!self::tokens().is_cookie(&cookie, clock), "another token's");
    }

    #[test]
    fn our_cookies_are_found_and_taken_out() {
        let header = "a=1; llmflow_session_3000=x.y; llmflow_session_1=z; b=2";
        assert_eq!(ours(header).collect::<Vec<_>>(), ["x.y", "z"]);
        assert_eq!(without_cookie(header).as_deref(), Some("a=1; b=2"));
        assert_eq!(without_cookie("llmflow_session=1").as_deref(), Some(""));
        assert_eq!(without_cookie("a=1; b=2"), None);
    }
}
