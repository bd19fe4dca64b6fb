//! One exchange made twice, without us and through us, and the differences on both sides.

use std::collections::BTreeMap;

use tests::{App, Ended, Exchange, HeaderLine, Mock, Response, send};

/// What both sides of one exchange saw.
pub(super) struct Seen {
    pub(super) upstream: Option<Exchange>,
    pub(super) client: Response,
}

/// Makes exchanges with and without us and keeps the score.
pub(super) struct Comparison {
    pub(super) mock: Mock,
    pub(super) app: App,
    pub(super) compared: usize,
    pub(super) reordered: usize,
    pub(super) differences: Vec<String>,
}

impl Comparison {
    pub(super) async fn new() -> Self {
        let mock = Mock::start().await;
        let app = App::start(mock.address()).await;
        Self { mock, app, compared: 0, reordered: 0, differences: Vec::new() }
    }

    /// `direct` is written to the upstream, `through` to us.
    pub(super) async fn compare(&mut self, what: &str, direct: &[u8], through: &[u8]) -> Seen {
        self.mock.take();
        let expected = self.seen(send(self.mock.address(), direct).await).await;
        let found = self.seen(send(self.app.proxy, through).await).await;
        self.compared += 1;
        let mut differences = Vec::new();
        if let (Some(expected), Some(found)) = (&expected.upstream, &found.upstream) {
            differences.extend(request_differences(expected, found));
            self.reordered +=
                usize::from(expected.received.head.end_to_end() != found.received.head.end_to_end());
        } else if expected.upstream.is_some() != found.upstream.is_some() {
            differences.push("only one of the two reached the upstream".to_owned());
        }
        // Where the upstream gives no answer at all, ours says so instead.
        if expected.client.ended != Ended::Nothing {
            differences.extend(response_differences(&expected.client, &found.client));
            self.reordered +=
                usize::from(expected.client.head.end_to_end() != found.client.head.end_to_end());
        }
        self.differences.extend(differences.into_iter().map(|difference| format!("{what}: {difference}")));
        found
    }

    async fn seen(&self, client: Response) -> Seen {
        self.mock.ended(1).await;
        Seen { upstream: self.mock.take().pop(), client }
    }

    pub(super) fn finish(self) {
        println!(
            "compared {}, different {}; order of differently named headers changed in {}",
            self.compared,
            self.differences.len(),
            self.reordered
        );
        assert!(self.differences.is_empty(), "{:#?}", self.differences);
    }
}

/// Names with their case, each with its values in order.
fn grouped(headers: &[HeaderLine]) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for header in headers {
        groups.entry(header.name.to_ascii_lowercase()).or_default().push(format!(
            "{}: {}",
            header.name,
            header.value.escape_ascii()
        ));
    }
    groups
}

fn header_differences(expected: &[HeaderLine], found: &[HeaderLine]) -> Option<String> {
    let (expected, found) = (grouped(expected), grouped(found));
    (expected != found).then(|| format!("headers {expected:?} became {found:?}"))
}

fn request_differences(expected: &Exchange, found: &Exchange) -> Vec<String> {
    let (expected, found) = (&expected.received, &found.received);
    let mut differences = Vec::new();
    if expected.head.start != found.head.start {
        differences.push(format!("{:?} became {:?}", expected.head.start, found.head.start));
    }
    differences.extend(header_differences(&expected.head.end_to_end(), &found.head.end_to_end()));
    if expected.body != found.body {
        differences.push(format!("a request of {} bytes became {}", expected.body.len(), found.body.len()));
    }
    differences
}

fn response_differences(expected: &Response, found: &Response) -> Vec<String> {
    let mut differences = Vec::new();
    if expected.status() != found.status() {
        differences.push(format!("status {} became {}", expected.status(), found.status()));
    }
    let framing = |header: &HeaderLine| !header.name.eq_ignore_ascii_case("content-length");
    let headers =
        |response: &Response| response.head.end_to_end().into_iter().filter(framing).collect::<Vec<_>>();
    differences.extend(header_differences(&headers(expected), &headers(found)));
    let length = |response: &Response| response.head.header("content-length");
    if length(expected).is_some() && length(expected) != length(found) {
        differences.push(format!("content-length {:?} became {:?}", length(expected), length(found)));
    }
    if expected.body != found.body {
        differences.push(format!("an answer of {} bytes became {}", expected.body.len(), found.body.len()));
    }
    if expected.ended != found.ended {
        differences.push(format!("the answer ended {:?}, now {:?}", expected.ended, found.ended));
    }
    differences
}
