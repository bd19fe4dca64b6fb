//! AWS regions: their form, and where Bedrock answers in each. Pure.

use std::fmt;

const LONGEST: usize = 32;

/// A region by its form, so that it may become a part of a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region(String);

impl Region {
    /// `us-east-1`, `us-gov-west-1`, `cn-north-1`; `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('-').collect();
        let (last, words) = parts.split_last()?;
        let number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        let word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        (text.len() <= LONGEST && words.len() >= 2 && number && words.iter().all(word))
            .then(|| Self(text.to_owned()))
    }

    /// What the names of AWS's hosts end with in this region's partition.
    pub(crate) fn suffix(&self) -> &'static str {
        let begins = |start: &str| self.0.starts_with(start);
        if begins("cn-") {
            "amazonaws.com.cn"
        } else if begins("us-iso-") {
            "c2s.ic.gov"
        } else if begins("us-isob-") {
            "sc2s.sgov.gov"
        } else if begins("eu-isoe-") {
            "cloud.adc-e.uk"
        } else if begins("us-isof-") {
            "csp.hci.ic.gov"
        } else if begins("eusc-") {
            "amazonaws.eu"
        } else {
            "amazonaws.com"
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The region in an ARN (`arn:aws:bedrock:us-east-1:1234:inference-profile/…`); `None` when it names none.
pub(crate) fn of_arn(text: &str) -> Option<Region> {
    let mut parts = text.split(':');
    let begins = parts.next() == Some("arn");
    let service = parts.nth(1);
    Region::parse(parts.next()?).filter(|_| begins && service.is_some())
}

/// The region of one of Bedrock's own hosts; `None` when it is another host.
pub(crate) fn of_host(host: &str) -> Option<Region> {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    let (service, rest) = host.split_once('.')?;
    let known = ["bedrock-runtime", "bedrock", "bedrock-runtime-fips", "bedrock-fips"].contains(&service);
    let (region, suffix) = rest.split_once('.')?;
    Region::parse(region).filter(|region| known && region.suffix() == suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_a_form_and_its_hosts_an_end() {
        for (text, suffix) in [
            ("us-east-1", Some("amazonaws.com")),
            ("ap-southeast-7", Some("amazonaws.com")),
            ("us-gov-west-1", Some("amazonaws.com")),
            ("cn-north-1", Some("amazonaws.com.cn")),
            ("eusc-de-east-1", Some("amazonaws.eu")),
            ("us-iso-east-1", Some("c2s.ic.gov")),
            ("us-isob-east-1", Some("sc2s.sgov.gov")),
            (" eu-central-1 ", Some("amazonaws.com")),
            ("", None),
            ("us-east", None),
            ("us-1", None),
            ("US-EAST-1", None),
            ("us-east-1.evil.example", None),
            ("us-east-1/", None),
            ("us--1", None),
            ("a@b-c-1", None),
        ] {
            assert_eq!(Region::parse(text).map(|region| region.suffix()), suffix, "{text:?}");
        }
    }

    #[test]
    fn arns_and_hosts_name_their_region() {
        let name = |region: Option<Region>| region.map(|region| region.to_string());
        for (arn, region) in [
            ("arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/a1", Some("us-west-2")),
            ("arn:aws-cn:bedrock:cn-north-1::foundation-model/x", Some("cn-north-1")),
            ("arn:aws:bedrock:::foundation-model/x", None),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
            ("arn:aws", None),
        ] {
            assert_eq!(name(of_arn(arn)).as_deref(), region, "{arn}");
        }
        for (host, region) in [
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            ("Bedrock-Runtime-FIPS.us-gov-west-1.amazonaws.com:443", Some("us-gov-west-1")),
            ("bedrock.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("bedrock-runtime.cn-north-1.amazonaws.com", None),
            ("bedrock-runtime.us-east-1.amazonaws.com.evil.example", None),
            ("s3.us-east-1.amazonaws.com", None),
            ("gateway.example", None),
        ] {
            assert_eq!(name(of_host(host)).as_deref(), region, "{host}");
        }
    }
}
