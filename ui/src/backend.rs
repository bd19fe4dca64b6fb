//! The one way to the engine: questions in, answers or an error out. Pages know nothing of the transport.

mod budgets;
mod control;
#[cfg(feature = "demo")]
mod demo;
mod desktop;
mod events;
mod http;
pub(crate) mod invoke;
mod prices;
mod replay;
mod search;
mod signals;
mod traces;
mod upkeep;

use api::{
    ApiError, BodySide, BodyText, CallDetail, CallFilter, CallId, CallsPage, Conversation, ErrorKind, Facets,
    GroupBy, Health, HistogramBar, InFlight, Meter, Overview, Page, Reply, Request, Series, SessionDetail,
    SessionFilter, SessionRef, SessionsPage, Stats,
};
pub use desktop::{Desktop, desktop};
pub use events::{EventStream, Signal};
use leptos::prelude::expect_context;

/// How questions travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    /// HTTP to the server that the page came from.
    Http,
    /// To the app whose window this is.
    Invoke,
    /// Invented data.
    #[cfg(feature = "demo")]
    Demo,
}

/// The engine, as the pages see it.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    transport: Transport,
}

impl Backend {
    /// The backend for the page as it was opened.
    pub fn connect() -> Self {
        #[cfg(feature = "demo")]
        if demo::is_wanted() {
            return Self { transport: Transport::Demo };
        }
        let transport = if invoke::is_window() { Transport::Invoke } else { Transport::Http };
        Self { transport }
    }

    /// The page has drawn itself.
    pub fn announce(self) {
        if self.transport == Transport::Invoke {
            invoke::announce();
        }
    }

    /// Asks the engine.
    pub async fn ask(self, request: Request) -> Result<Reply, ApiError> {
        match self.transport {
            Transport::Http => http::ask(&request).await,
            Transport::Invoke => invoke::ask(&request).await,
            #[cfg(feature = "demo")]
            Transport::Demo => demo::ask(request).await,
        }
    }

    /// Begins to listen; `on` is told of each event and of the connection.
    pub fn listen(self, on: impl Fn(Signal) + 'static) -> EventStream {
        match self.transport {
            Transport::Http => EventStream::http(on),
            Transport::Invoke => invoke::listen(on),
            #[cfg(feature = "demo")]
            Transport::Demo => demo::listen(on),
        }
    }

    pub async fn health(self) -> Result<Health, ApiError> {
        match self.ask(Request::GetHealth).await? {
            Reply::Health(health) => Ok(*health),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn stats(self, filter: CallFilter) -> Result<Stats, ApiError> {
        match self.ask(Request::GetStats { filter }).await? {
            Reply::Stats(stats) => Ok(stats),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn calls(self, filter: CallFilter, page: Page) -> Result<CallsPage, ApiError> {
        match self.ask(Request::ListCalls { filter, page }).await? {
            Reply::Calls(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn call(self, id: CallId) -> Result<CallDetail, ApiError> {
        match self.ask(Request::GetCall { id }).await? {
            Reply::Call(call) => Ok(*call),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn conversation(self, id: CallId) -> Result<Conversation, ApiError> {
        match self.ask(Request::GetConversation { id }).await? {
            Reply::Conversation(conversation) => Ok(*conversation),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn body(
        self,
        id: CallId,
        side: BodySide,
        offset: u64,
        limit: u64,
    ) -> Result<BodyText, ApiError> {
        match self.ask(Request::GetBody { id, side, offset, limit }).await? {
            Reply::Body(body) => Ok(body),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn in_flight(self) -> Result<Vec<InFlight>, ApiError> {
        match self.ask(Request::ListInFlight).await? {
            Reply::InFlight(calls) => Ok(calls),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn facets(self) -> Result<Facets, ApiError> {
        match self.ask(Request::GetFacets).await? {
            Reply::Facets(facets) => Ok(facets),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn series(
        self,
        filter: CallFilter,
        bounds_ms: Vec<i64>,
        group: Option<GroupBy>,
    ) -> Result<Series, ApiError> {
        match self.ask(Request::GetSeries { filter, bounds_ms, group }).await? {
            Reply::Series(series) => Ok(series),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn overview(self, bounds_ms: Vec<i64>) -> Result<Overview, ApiError> {
        match self.ask(Request::GetOverview { bounds_ms }).await? {
            Reply::Overview(overview) => Ok(*overview),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn meter(self, bounds_ms: Vec<i64>) -> Result<Meter, ApiError> {
        match self.ask(Request::GetMeter { bounds_ms }).await? {
            Reply::Meter(meter) => Ok(meter),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn sessions(
        self,
        filter: SessionFilter,
        limit: u32,
        offset: u32,
    ) -> Result<SessionsPage, ApiError> {
        match self.ask(Request::ListSessions { filter, limit, offset, before: None }).await? {
            Reply::Sessions(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn session(self, session: SessionRef) -> Result<SessionDetail, ApiError> {
        match self.ask(Request::GetSession { session }).await? {
            Reply::Session(session) => Ok(*session),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn histogram(
        self,
        filter: CallFilter,
        from_ms: i64,
        to_ms: i64,
        bars: u32,
    ) -> Result<Vec<HistogramBar>, ApiError> {
        match self.ask(Request::GetHistogram { filter, from_ms, to_ms, bars }).await? {
            Reply::Histogram(bars) => Ok(bars),
            other => Err(unexpected(&other)),
        }
    }
}

/// The backend that the app provides.
pub fn use_backend() -> Backend {
    expect_context::<Backend>()
}

fn unexpected(_reply: &Reply) -> ApiError {
    ApiError::new(
        ErrorKind::Internal,
        "The answer does not fit the question. Reload the page: the dashboard and the server may differ in version.",
    )
}
