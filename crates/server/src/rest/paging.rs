//! What every list says beside its rows: how many match in all (`X-Total-Count`), and where the next page is (`Link`).
//! Leaves out reading which page is asked for (`query`).

use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue, LINK};

/// How many match in all.
pub(super) const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// A page that is answered.
pub(super) struct Shown<'a> {
    pub(super) uri: &'a Uri,
    /// How many match in all, whichever page this is.
    pub(super) total: u64,
    /// Rows on it, of at most so many.
    pub(super) rows: usize,
    pub(super) limit: u32,
    /// Rows that it skips.
    pub(super) offset: u32,
    /// Whether `before` was given: then nobody knows how many rows stand in front of it.
    pub(super) placed: bool,
    /// Its last row as `before` names it; `None` where a list has no such places.
    pub(super) last: Option<String>,
}

impl Shown<'_> {
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TOTAL, self.total.into());
        let link = self.next().and_then(|next| HeaderValue::try_from(next).ok());
        headers.extend(link.map(|link| (LINK, link)));
        headers
    }

    /// The page behind this one, if there may be one: the same question from its last row on, so that rows that come
    /// meanwhile move nothing.
    fn next(&self) -> Option<String> {
        let behind = u64::from(self.offset) + self.rows as u64;
        if self.rows < self.limit as usize || (!self.placed && behind >= self.total) {
            return None;
        }
        let from = match &self.last {
            Some(last) => {
                format!("before={}", form_urlencoded::byte_serialize(last.as_bytes()).collect::<String>())
            }
            None => format!("offset={behind}"),
        };
        let others =
            self.uri.query().unwrap_or_default().split('&').filter(|pair| {
                !pair.is_empty() && !matches!(pair.split('=').next(), Some("before" | "offset"))
            });
        let query: Vec<&str> = others.chain([from.as_str()]).collect();
        Some(format!("<{}?{}>; rel=\"next\"", self.uri.path(), query.join("&")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(
        uri: &str,
        total: u64,
        rows: usize,
        offset: u32,
        placed: bool,
        last: Option<&str>,
    ) -> Option<String> {
        let uri: Uri = uri.parse().unwrap();
        let last = last.map(str::to_owned);
        let shown = Shown { uri: &uri, total, rows, limit: 2, offset, placed, last };
        let headers = shown.headers();
        assert_eq!(headers["x-total-count"], total.to_string());
        headers.get(LINK).map(|link| link.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_next_page_goes_on_from_the_last_row() {
        let next = link("/api/traces?q=a+b&offset=2&limit=2", 9, 2, 2, false, Some("x y"));
        assert_eq!(next.as_deref(), Some("</api/traces?q=a+b&limit=2&before=x+y>; rel=\"next\""));
        let next = link("/api/traces?before=z", 2, 2, 0, true, Some("y"));
        assert_eq!(next.as_deref(), Some("</api/traces?before=y>; rel=\"next\""));
        let next = link("/api/prices", 9, 2, 4, false, None);
        assert_eq!(next.as_deref(), Some("</api/prices?offset=6>; rel=\"next\""));
        assert_eq!(link("/api/traces", 9, 1, 0, false, Some("y")), None, "it is not full");
        assert_eq!(link("/api/traces", 4, 2, 2, false, Some("y")), None, "there are no more");
    }
}
