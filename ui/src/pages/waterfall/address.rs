//! What the address of a trace's page says beside its id: the selected span, its tab, the stretch of time. Pure.

use super::pane::Tab;
use crate::filter::pairs;
use crate::tree::scale::Window;

/// The state that a link restores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub span: Option<String>,
    pub tab: Option<Tab>,
    /// From and to, in microseconds since 1970: a trace's beginning may yet become known to be earlier.
    pub window: Option<(i64, i64)>,
}

impl Address {
    /// The state that a query string says. What cannot be read is left out.
    pub fn parse(query: &str) -> Self {
        let mut address = Self::default();
        let (mut from, mut to) = (None, None);
        for (key, value) in pairs(query) {
            match key.as_str() {
                "span" => address.span = Some(value).filter(|id| is_id(id)),
                "tab" => address.tab = Tab::named(&value),
                "from" => from = value.parse().ok(),
                "to" => to = value.parse().ok(),
                _ => {}
            }
        }
        address.window = from.zip(to).filter(|(from, to)| from < to);
        address
    }

    /// The query string with its `?`; empty when nothing is set.
    pub fn query(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.span.as_ref().map(|id| format!("span={id}")));
        parts.extend(self.tab.map(|tab| format!("tab={}", tab.word())));
        parts.extend(self.window.map(|(from, to)| format!("from={from}&to={to}")));
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A window as the address has it.
#[expect(clippy::cast_possible_truncation, reason = "microseconds of our time fit")]
pub fn stretch(window: Window, start_ns: i64) -> (i64, i64) {
    let us = |ns: f64| (ns / 1e3).round() as i64 + start_ns / 1_000;
    let (from, to) = (us(window.from), us(window.to));
    (from, to.max(from + 1))
}

/// The same of a trace that began then.
pub fn window((from, to): (i64, i64), start_ns: i64) -> Window {
    let ns = |us: i64| (us - start_ns / 1_000) as f64 * 1e3;
    Window { from: ns(from), to: ns(to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_round_trip() {
        let query = "?span=a000010000000007&tab=attributes&from=1763739598207000&to=1763739599207000";
        assert_eq!(Address::parse(query).query(), query);
        assert_eq!(Address::default().query(), "");
        assert_eq!(Address::parse("?span=%3Cb%3E&tab=no&from=9&to=3"), Address::default());
    }

    #[test]
    fn a_stretch_is_the_same_later() {
        let start = 1_763_739_598_207_000_000;
        let shown = Window { from: 2e9, to: 5e9 };
        assert_eq!(window(stretch(shown, start), start), shown);
        assert_eq!(window(stretch(shown, start), start - 1_000_000_000), Window { from: 3e9, to: 6e9 });
    }
}
