//! Local is not safe: who may talk to a listener of this machine. One [`Guard`] stands before every route of every
//! listener and judges the names a request uses (`names`), the user at the other end (`peer`), and the token (`token`).
//!
//! Leaves out where the token is kept (the engine), HTTP answers (each listener has its own), and local keys (`proxy`).

mod login;
mod names;
mod peer;
mod token;

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};

pub use login::{COOKIE, COOKIE_LASTS, LINK_LASTS, without_cookie};
use names::Names;
pub use peer::Peer;
use peer::Users;
pub use token::{PREFIX, Tokens, fresh};

/// Where a token stands that must not be taken for a provider's key.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-llmflow-token");
/// Where the proxy's clients put their providers' keys.
const KEYS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// What the settings say about who may come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Host names allowed beside this machine's own, without port.
    pub hosts: Vec<String>,
    /// Origins allowed beside the listener's own, as `scheme://host[:port]`.
    pub origins: Vec<String>,
    /// The dashboard, its API and OTLP ask everybody for the token.
    pub require_token: bool,
    /// Processes of other users of this machine are let in, too.
    pub allow_other_users: bool,
    /// Every address of this machine is listened on, so that each is a name of ours.
    pub everywhere: bool,
}

/// The address of ours that a connection came to: it stands among its requests' extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near(IpAddr);

impl Near {
    /// By the near end of a connection.
    pub fn of(local: SocketAddr) -> Self {
        // One listener may serve both families; then an IPv4 address comes in IPv6's clothes.
        Self(local.ip().to_canonical())
    }
}

/// What a request wants to come in by.
#[derive(Clone, Copy, Debug)]
pub enum Door<'a> {
    /// The dashboard and everything on its port; by this method.
    Dashboard(&'a Method),
    /// A collector's own port.
    Collector,
    /// The proxy.
    Proxy {
        /// The call carries a local key that is known.
        local_key: bool,
    },
}

/// Why a request is refused, for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Showing the token would help.
    pub wants_token: bool,
    /// What is wrong and what to do.
    pub reason: String,
}

/// Who may talk to the listeners. Clones share the token.
#[derive(Clone, Debug)]
pub struct Guard {
    names: Names,
    users: Users,
    require_token: bool,
    tokens: Tokens,
}

impl Guard {
    /// Lets in whom `rules` allow, and who shows one of `tokens`.
    pub fn new(rules: Rules, tokens: Tokens) -> Self {
        let users = if rules.allow_other_users { Users::All } else { Users::look() };
        let names = Names { hosts: rules.hosts, origins: rules.origins, everywhere: rules.everywhere };
        Self { names, users, require_token: rules.require_token, tokens }
    }

    /// Who is at the other end of a connection that was just accepted: `peer` is its far address, `local` its near one.
    /// Asked once a connection; what it says holds for every request on it.
    pub fn meet(&self, peer: SocketAddr, local: SocketAddr) -> Peer {
        self.users.meet(peer, local)
    }

    /// Whether a request is the question that a browser asks before it sends what a page of an allowed origin wants to send.
    /// Whoever listens answers it before asking for a token: browsers show none with it.
    pub fn is_preflight<B>(&self, request: &Request<B>) -> bool {
        let headers = request.headers();
        request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && self.names.judge(request.uri(), headers, None, near(request)).is_ok()
    }

    /// Judges one request on a connection from `peer`.
    pub fn judge<B>(&self, peer: Peer, door: Door<'_>, request: &Request<B>) -> Result<(), Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        let pages = match door {
            Door::Dashboard(method) => Some(method),
            Door::Collector | Door::Proxy { .. } => None,
        };
        let refused = |reason| Refusal { wants_token: false, reason };
        self.names.judge(uri, headers, pages, near(request)).map_err(refused)?;
        if matches!(door, Door::Proxy { .. }) && self.is_misplaced(headers) {
            return Err(refused(format!(
                "This is LLMFlow's own token where a provider's key belongs, and it is not sent to anybody. Put it into \
                 the header {TOKEN_HEADER}."
            )));
        }
        match self.is_open(peer, door, uri.path()) || self.is_proven(peer, door, headers) {
            true => Ok(()),
            false => Err(refusal(peer, door)),
        }
    }

    /// Whether a request that was let in may see everything: it came from where no token is asked for, or shows one.
    pub fn trusts(&self, peer: Peer, door: Door<'_>, headers: &HeaderMap) -> bool {
        (peer == Peer::Own && !self.require_token) || self.is_proven(peer, door, headers)
    }

    /// The token, its links and cookies.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whether everybody is asked for the token.
    pub fn requires_token(&self) -> bool {
        self.require_token
    }

    /// What needs no token: of the doors that ask for one, only what says that somebody is there, and the way in.
    fn is_open(&self, peer: Peer, door: Door<'_>, path: &str) -> bool {
        match (peer, door) {
            (Peer::OtherUser, _) | (Peer::Network, Door::Collector | Door::Proxy { .. }) => false,
            (Peer::Network, Door::Dashboard(_)) => path == "/login",
            (Peer::Own, Door::Proxy { .. }) => true,
            (Peer::Own, Door::Collector) => !self.require_token || path == "/health",
            (Peer::Own, Door::Dashboard(_)) => {
                !self.require_token || matches!(path, "/login" | "/api/health")
            }
        }
    }

    fn is_proven(&self, peer: Peer, door: Door<'_>, headers: &HeaderMap) -> bool {
        let own = headers.get(TOKEN_HEADER).and_then(text).is_some_and(|token| self.tokens.holds(token));
        let proven = match door {
            Door::Proxy { local_key } => local_key,
            Door::Collector => self.is_bearer(headers),
            // Every program on this machine whose pages a browser visits is sent its cookies, on whatever port.
            Door::Dashboard(_) => {
                self.is_bearer(headers) || (peer != Peer::OtherUser && self.has_cookie(headers))
            }
        };
        own || proven
    }

    fn is_bearer(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter().filter_map(text);
        values.any(|value| bearer(value).is_some_and(|token| self.tokens.holds(token)))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::COOKIE).iter().filter_map(text);
        let mut ours = values.flat_map(login::ours);
        let now = SystemTime::now();
        ours.any(|cookie| self.tokens.is_cookie(cookie, now))
    }

    /// Whether the token stands where the proxy would send it to a provider.
    fn is_misplaced(&self, headers: &HeaderMap) -> bool {
        let values = KEYS.into_iter().flat_map(|name| headers.get_all(name)).filter_map(text);
        let mut tokens = values.map(|value| bearer(value).unwrap_or(value).trim());
        tokens.any(|token| token.starts_with(PREFIX) && self.tokens.holds(token))
    }
}

fn near<B>(request: &Request<B>) -> Option<IpAddr> {
    request.extensions().get().map(|Near(ip)| *ip)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// What stands behind `Bearer`, in any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refusal(peer: Peer, door: Door<'_>) -> Refusal {
    let how = match door {
        Door::Dashboard(_) | Door::Collector => "Authorization: Bearer TOKEN",
        Door::Proxy { .. } => "X-LLMFlow-Token: TOKEN, or a local key",
    };
    let reason = match peer {
        Peer::OtherUser => format!(
            "This connection comes from a process of another user of this machine (or its process is gone). LLMFlow answers \
             only those of its own user. Send {how} (its owner sees it with `llmflow token`), or let other users in with \
             allow_other_users in the settings."
        ),
        Peer::Network => format!(
            "This connection comes from another machine or container, so LLMFlow asks for {how}. Where it runs, `llmflow \
             token` shows the token, and `llmflow open` makes a link for a browser."
        ),
        Peer::Own => format!(
            "LLMFlow asks for its token (require_token in its settings): {how}. `llmflow token` shows it, and `llmflow open` \
             opens the dashboard in a browser."
        ),
    };
    Refusal { wants_token: peer != Peer::OtherUser, reason }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const DOORS: [Door<'static>; 3] =
        [Door::Dashboard(&Method::GET), Door::Collector, Door::Proxy { local_key: false }];

    fn guard(require_token: bool) -> (Guard, String) {
        let token = fresh().unwrap().to_string();
        let rules = Rules { require_token, ..Rules::default() };
        (Guard::new(rules, Tokens::new(&token)), token)
    }

    fn headers(more: &[(HeaderName, &str)]) -> HeaderMap {
        let host = [(header::HOST, "localhost:3000")];
        let all = host.iter().chain(more);
        all.map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn lets_in(guard: &Guard, peer: Peer, door: Door<'_>, path: &str, more: &[(HeaderName, &str)]) -> bool {
        let mut request = Request::get(path).body(()).unwrap();
        *request.headers_mut() = headers(more);
        guard.judge(peer, door, &request).is_ok()
    }

    #[test]
    fn own_processes_come_in_without_a_token_unless_it_is_required() {
        let ((open, _), (closed, token)) = (guard(false), guard(true));
        let bearer = format!("bearer {token}");
        for door in DOORS {
            assert!(lets_in(&open, Peer::Own, door, "/v1/traces", &[]), "{door:?}");
            let is_proxy = matches!(door, Door::Proxy { .. });
            assert_eq!(lets_in(&closed, Peer::Own, door, "/v1/traces", &[]), is_proxy, "{door:?}");
            assert!(lets_in(&closed, Peer::Own, door, "/v1/traces", &[(TOKEN_HEADER, &token)]), "{door:?}");
            let by_bearer = lets_in(&closed, Peer::Own, door, "/x", &[(header::AUTHORIZATION, &bearer)]);
            assert_eq!(by_bearer, !is_proxy, "it is never taken for a provider's key: {door:?}");
        }
        assert!(lets_in(&closed, Peer::Own, DOORS[0], "/api/health", &[]));
        assert!(lets_in(&closed, Peer::Own, DOORS[1], "/health", &[]));
        assert!(!lets_in(&closed, Peer::Own, DOORS[0], "/", &[]));
    }

    #[test]
    fn strangers_need_the_token_or_a_local_key_whatever_the_settings_say() {
        let (guard, token) = guard(false);
        let wrong = fresh().unwrap();
        for (peer, path) in [(Peer::OtherUser, "/login"), (Peer::OtherUser, "/health"), (Peer::Network, "/")]
        {
            for door in DOORS {
                assert!(!lets_in(&guard, peer, door, path, &[]), "{peer:?} {door:?}");
                assert!(!lets_in(&guard, peer, door, path, &[(TOKEN_HEADER, &wrong)]), "{peer:?} {door:?}");
                assert!(!lets_in(&guard, peer, door, path, &[(TOKEN_HEADER, "")]), "{peer:?} {door:?}");
                assert!(lets_in(&guard, peer, door, path, &[(TOKEN_HEADER, &token)]), "{peer:?} {door:?}");
            }
            assert!(lets_in(&guard, peer, Door::Proxy { local_key: true }, "/v1/models", &[]));
        }
        assert!(lets_in(&guard, Peer::Network, DOORS[0], "/login", &[]), "the way in");
    }

    #[test]
    fn a_cookie_opens_the_dashboard_and_nothing_else() {
        let (guard, _) = guard(true);
        let (now, clock) = (Instant::now(), SystemTime::now());
        let code = guard.tokens().link(now).unwrap();
        let cookie = guard.tokens().redeem(&code, now, clock).unwrap();
        let cookie = format!("other=1; {COOKIE}_3000={cookie}");
        let with = [(header::COOKIE, cookie.as_str())];
        assert!(lets_in(&guard, Peer::Own, DOORS[0], "/api/traces", &with));
        assert!(lets_in(&guard, Peer::Network, DOORS[0], "/api/traces", &with));
        assert!(!lets_in(&guard, Peer::OtherUser, DOORS[0], "/api/traces", &with), "a cookie knows no ports");
        assert!(!lets_in(&guard, Peer::Own, DOORS[1], "/v1/traces", &with));
        assert!(!lets_in(&guard, Peer::Network, DOORS[2], "/v1/models", &with));
        guard.tokens().replace(&fresh().unwrap());
        assert!(
            !lets_in(&guard, Peer::Own, DOORS[0], "/api/traces", &with),
            "a new token ends what the old one gave"
        );
    }

    #[test]
    fn a_token_excuses_no_foreign_page_and_no_foreign_name() {
        let (guard, token) = guard(true);
        let own = |more: (HeaderName, &'static str)| {
            lets_in(&guard, Peer::Own, DOORS[0], "/api/traces", &[(TOKEN_HEADER, &token), more])
        };
        assert!(!own((header::ORIGIN, "https://evil.example")));
        assert!(!own((header::HOST, "evil.example")));
    }

    #[test]
    fn a_browsers_question_is_one_of_an_allowed_page_and_needs_no_token() {
        let rules = Rules {
            origins: vec!["http://app.example:5173".to_owned()],
            require_token: true,
            ..Rules::default()
        };
        let guard = Guard::new(rules, Tokens::new(&fresh().unwrap()));
        let asked = |method: Method, host: &'static str, origin: &'static str| {
            let request = Request::builder().method(method).uri("/v1/traces");
            let request = request.header(header::HOST, host).header(header::ORIGIN, origin);
            request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST").body(()).unwrap()
        };
        const PAGE: &str = "http://app.example:5173";
        assert!(guard.is_preflight(&asked(Method::OPTIONS, "localhost:4318", PAGE)));
        assert!(!guard.is_preflight(&asked(Method::POST, "localhost:4318", PAGE)), "the page's own request");
        assert!(!guard.is_preflight(&asked(Method::OPTIONS, "evil.example", PAGE)));
        for other in ["http://evil.example", "null", "http://localhost:3000"] {
            assert!(!guard.is_preflight(&asked(Method::OPTIONS, "localhost:3000", other)), "{other}");
        }
        let mut plain = asked(Method::OPTIONS, "localhost:4318", PAGE);
        plain.headers_mut().remove(header::ACCESS_CONTROL_REQUEST_METHOD);
        assert!(!guard.is_preflight(&plain), "a request of that method");
    }
}
