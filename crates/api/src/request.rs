//! The one list of things that can be asked of the engine, and what comes back.
//! Leaves out doing them (`engine::commands`).

use serde::{Deserialize, Serialize};

use crate::{
    Budget, Budgets, CallCache, CallDetail, CallFilter, CallId, CallSummary, Conversation, Erase, Erased,
    FoundPoint, FoundPoints, GroupBy, Health, InFlight, KeyTest, LogDetail, LogDetails, LogFacets, LogFilter,
    LogHistogram, LogsPage, MadeKey, Meter, MetricChart, MetricFilter, MetricQuery, MetricSummary,
    MetricUsage, Models, Money, Overview, OwnPrice, Page, PointFilter, PointsPage, PriceRefresh, PriceTables,
    PricesPage, ProviderCheck, Providers, Reading, Replay, ReplayEdit, ReplayTotals, ReplayUntil,
    RepriceScope, Repricing, SearchLag, SearchOrder, SearchPage, Secret, Series, SessionCache, SessionDetail,
    SessionFilter, SessionRef, SessionsCursor, SessionsPage, SettingsView, Snippets, SourceStatus,
    SourceTarget, SpanDetail, Storage, Stranded, Timeline, TraceDetail, TracesCursor, TracesPage, Usage,
};

/// A question to the engine. Each answers with the [`Reply`] of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "with", rename_all = "snake_case")]
pub enum Request {
    /// Is all well?
    GetHealth,
    /// The path that lets a browser in: where a token is asked for, with a code that works once and soon.
    GetLoginPath,
    /// Another token instead of the one before. Everyone who came in by that one has to show the new one.
    RenewToken,
    /// Sends a recorded call of a model again, through the proxy, with a key that LLMFlow keeps. It costs what such a call
    /// costs; its spend is shown apart. Tools are not run.
    Replay {
        /// The recorded call.
        id: CallId,
        /// What is to be different.
        edit: Box<ReplayEdit>,
        /// How far the answer waits.
        until: ReplayUntil,
    },
    /// Totals over the calls that match.
    GetStats {
        /// Which calls.
        filter: CallFilter,
    },
    /// A page of calls, newest first.
    ListCalls {
        /// Which calls.
        filter: CallFilter,
        /// Which part.
        page: Page,
    },
    /// A page of calls that say what is looked for, with where they say it.
    Search {
        /// Which calls; its text is what is looked for.
        filter: CallFilter,
        /// Which come first.
        order: SearchOrder,
        /// At most this many; 1 to 200.
        limit: u32,
        /// Skip this many.
        offset: u32,
        /// Only calls before this one, with the newest first: the last id of the page before. Cheaper than `offset`.
        #[serde(default)]
        before: Option<CallId>,
    },
    /// Where rows of a list say what is looked for; at most 200 of each.
    GetSnippets {
        /// What is looked for.
        text: String,
        /// Calls.
        calls: Vec<CallId>,
        /// Traces, by their ids in hex.
        traces: Vec<String>,
        /// Log records, by their ids.
        logs: Vec<String>,
    },
    /// What search cannot find yet.
    GetSearchLag,
    /// Empty the index of words and fill it again, beside everything else.
    RebuildSearch,
    /// One call.
    GetCall {
        /// The call.
        id: CallId,
    },
    /// What was said in one call.
    GetConversation {
        /// The call.
        id: CallId,
    },
    /// A part of one body, decoded.
    GetBody {
        /// The call.
        id: CallId,
        /// Which body.
        side: BodySide,
        /// From this byte of the decoded body.
        offset: u64,
        /// At most this many bytes; cut back to a character's boundary. At most 4 MiB.
        limit: u64,
    },
    /// Calls under way.
    ListInFlight,
    /// The values that filters can take.
    GetFacets,
    /// Calls over time, in equal bars.
    GetHistogram {
        /// Which calls.
        filter: CallFilter,
        /// From, in milliseconds since 1970 (UTC).
        from_ms: i64,
        /// To (exclusive), in milliseconds since 1970 (UTC).
        to_ms: i64,
        /// How many bars; 1 to 500.
        bars: u32,
    },
    /// Groups of calls over time, in intervals of any lengths.
    GetSeries {
        /// Which calls.
        filter: CallFilter,
        /// Where intervals begin and, the last, end: 2 to 401 rising instants in milliseconds since 1970 (UTC).
        bounds_ms: Vec<i64>,
        /// What to put together; `None` for all calls as one group.
        group: Option<GroupBy>,
    },
    /// A stretch of time at a glance.
    GetOverview {
        /// Its pieces, as in [`Request::GetSeries`].
        bounds_ms: Vec<i64>,
    },
    /// How complete the record is, by tool and interval.
    GetMeter {
        /// The intervals, as in [`Request::GetSeries`].
        bounds_ms: Vec<i64>,
    },
    /// A page of sessions, the latest used first.
    ListSessions {
        /// Which sessions.
        filter: SessionFilter,
        /// At most this many; 1 to 500.
        limit: u32,
        /// Skip this many.
        offset: u32,
        /// Only sessions behind this place. One that is used meanwhile moves to the front.
        #[serde(default)]
        before: Option<SessionsCursor>,
    },
    /// One session and its calls.
    GetSession {
        /// Which one.
        session: SessionRef,
    },
    /// A page of traces, and of calls that belong to none, newest first. The filter is about calls: a trace matches when
    /// one of its calls does, and one without calls only when nothing but time, session or trace is asked for.
    ListTraces {
        /// Which.
        filter: CallFilter,
        /// At most this many; 1 to 500.
        limit: u32,
        /// After this place.
        after: Option<TracesCursor>,
        /// Skip this many from there on: for a jump far down the list. The dearer the larger it is.
        #[serde(default)]
        offset: u64,
    },
    /// One trace and a part of its spans.
    GetTrace {
        /// Its id, in hex.
        id: String,
        /// Skip this many spans.
        offset: u64,
        /// At most this many; 1 to 20,000.
        limit: u32,
    },
    /// The trace that something belongs to: a call's id, a span's or a trace's, in hex or in the client's own words.
    FindTrace {
        /// The id.
        id: String,
    },
    /// The spans of a trace whole, by their beginning, but for their conversations and log records.
    ListSpans {
        /// The trace, in hex.
        trace_id: String,
        /// Skip this many.
        offset: u64,
        /// At most this many; 1 to 5,000.
        limit: u32,
    },
    /// Everything about the newest span with this id, in hex or in the client's own words.
    FindSpan {
        /// The span's id.
        id: String,
    },
    /// Everything about one span.
    GetSpan {
        /// The trace, in hex.
        trace_id: String,
        /// The span, in hex.
        span_id: String,
    },
    /// A page of log records, newest first.
    ListLogs {
        /// Which.
        filter: LogFilter,
        /// At most this many; 1 to 1,000.
        limit: u32,
        /// Skip this many.
        offset: u32,
        /// Only records before this one: the last id of the page before. Cheaper than `offset`.
        before: Option<String>,
    },
    /// A page of whole log records, newest first.
    ListLogDetails {
        /// Which.
        filter: LogFilter,
        /// At most this many; 1 to 1,000.
        limit: u32,
        /// Skip this many.
        offset: u32,
        /// Only records before this one: the last id of the page before. Cheaper than `offset`.
        #[serde(default)]
        before: Option<String>,
    },
    /// One log record.
    GetLog {
        /// Its id.
        id: String,
    },
    /// Log records over time, in equal bars; errors are those of severity 17 and above.
    GetLogHistogram {
        /// Which.
        filter: LogFilter,
        /// From, in milliseconds since 1970 (UTC).
        from_ms: i64,
        /// To (exclusive), in milliseconds since 1970 (UTC).
        to_ms: i64,
        /// How many bars; 1 to 500.
        bars: u32,
    },
    /// The values that log filters can take.
    GetLogFacets,
    /// Every metric, by name.
    ListMetrics {
        /// Which.
        filter: MetricFilter,
    },
    /// One metric over time.
    GetMetricChart {
        /// Which, and when.
        query: MetricQuery,
    },
    /// One metric's points, newest first.
    ListPoints {
        /// Which, and when; `group` and `bars` do not matter.
        query: MetricQuery,
        /// At most this many; 1 to 1,000.
        limit: u32,
        /// Skip this many.
        offset: u32,
    },
    /// Points of any metric, newest first.
    FindPoints {
        /// Which.
        filter: PointFilter,
        /// At most this many; 1 to 1,000.
        limit: u32,
        /// Skip this many.
        offset: u32,
        /// Only points before this one: the last id of the page before. Cheaper than `offset`.
        #[serde(default)]
        before: Option<String>,
    },
    /// One point.
    GetPoint {
        /// Its id.
        id: String,
    },
    /// What metrics say of tokens and money.
    GetMetricUsage {
        /// From, in milliseconds since 1970 (UTC).
        from_ms: i64,
        /// To (exclusive), in milliseconds since 1970 (UTC).
        to_ms: i64,
    },
    /// The models that calls used, with their prices.
    GetModels {
        /// Calls that began since then, in milliseconds since 1970 (UTC); `None` for all.
        from_ms: Option<i64>,
    },
    /// A page of the price table.
    FindPrices {
        /// Keys that have these words in them.
        text: String,
        /// At most this many; 1 to 500.
        limit: u32,
        /// Skip this many.
        offset: u32,
    },
    /// Sets a price of the user's own; the one of this model and day is replaced. Answers with [`Reply::PriceTables`].
    SetPrice {
        /// The price.
        price: OwnPrice,
    },
    /// Removes a price of the user's own. Answers with [`Reply::PriceTables`].
    RemovePrice {
        /// Its model, as it was set.
        model: String,
        /// The day from which on it holds.
        valid_from: Option<String>,
    },
    /// Takes in a newer price table. Nothing is fetched unless this asks for it, or the setting `prices_refresh_unknown`
    /// allows it.
    RefreshPrices {
        /// An address or the path of a file; `None` for the address in the settings.
        from: Option<String>,
        /// The day from which on its prices hold; `None` for today.
        valid_from: Option<String>,
        /// Only look what would change.
        dry_run: bool,
    },
    /// Prices recorded calls again, each by the prices of its own time. Answers when it has begun.
    Reprice {
        /// Which calls.
        scope: RepriceScope,
        /// Only look what would change.
        dry_run: bool,
        /// Who asks, for the audit.
        by: String,
    },
    /// What was priced again, the latest first; one that is under way is the first.
    GetRepricings,
    /// What became of a call's prompt cache, and what its context is made of.
    GetCallCache {
        /// The call.
        id: CallId,
    },
    /// The same of every call of a session.
    GetSessionCache {
        /// Which one.
        session: SessionRef,
    },
    /// What happened in a session.
    GetTimeline {
        /// Which one.
        session: SessionRef,
    },
    /// Starts, pauses or stops a listener. Answers once it is so.
    SetSource {
        /// The listener (`proxy`).
        name: String,
        /// What it is to do.
        to: SourceTarget,
    },
    /// Which tools would fail if this listener stopped.
    GetStranded {
        /// The listener (`proxy`).
        name: String,
    },
    /// Every setting.
    GetSettings,
    /// Writes a setting to the settings file, keeping its comments. Answers as [`Request::GetSettings`].
    ChangeSetting {
        /// Its name.
        name: String,
        /// Its new value as text; `None` for the default.
        value: Option<String>,
    },
    /// Budgets and how they stand, and sessions that go in circles.
    GetBudgets,
    /// Writes a budget to the settings file; it holds at once. Answers as [`Request::GetBudgets`].
    SetBudget {
        /// The budget.
        budget: Budget,
        /// The name of the one it takes the place of; `None` for a new one.
        replaces: Option<String>,
    },
    /// Takes a budget out of the settings file. Answers as [`Request::GetBudgets`].
    RemoveBudget {
        /// Its name.
        name: String,
    },
    /// Lets a session that goes in circles go on. Answers as [`Request::GetBudgets`].
    DismissLoop {
        /// The last call of the loop.
        last: CallId,
    },
    /// What takes space, and what is kept for how long.
    GetStorage,
    /// How much would be deleted. Nothing is.
    CountErase {
        /// What.
        what: Erase,
    },
    /// Deletes for good. Answers once it is gone from every list; its bytes are overwritten right after.
    Erase {
        /// What.
        what: Erase,
    },
    /// Makes the sums what the calls add up to. Calls go on being recorded; answers when it is done.
    Rebuild,
    /// Providers, their keys, and the local keys.
    GetProviders,
    /// Whether the providers can be reached and take their keys, asked now, all at once. What costs nothing is asked.
    CheckProviders,
    /// Stores a provider's key in the keychain. Answers as [`Request::GetProviders`].
    SetKey {
        /// The provider.
        provider: String,
        /// The key.
        key: Secret,
    },
    /// Removes a provider's key from the keychain. Answers as [`Request::GetProviders`].
    RemoveKey {
        /// The provider.
        provider: String,
    },
    /// Asks the provider for its models with a key: costs nothing.
    TestKey {
        /// The provider.
        provider: String,
        /// The key; `None` for the one in use.
        key: Option<Secret>,
    },
    /// Asks the keychain again, unlocking it if the system offers that. Answers as [`Request::GetProviders`].
    UnlockKeychain,
    /// Makes a local key. Only the answer to this ever holds the key.
    AddLocalKey {
        /// Whom it stands for; letters, digits, `-`, `_` and `.`, at most 64.
        name: String,
    },
    /// Takes a local key back. Answers as [`Request::GetProviders`].
    RemoveLocalKey {
        /// Whom it stands for.
        name: String,
    },
}

/// Which of a call's bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodySide {
    /// What the upstream was sent: the client's body, unless the call was translated.
    Request,
    /// What the upstream answered.
    Response,
    /// What the client sent, of a call that was translated.
    ClientRequest,
    /// What the client got, of a call that was translated.
    ClientResponse,
}

/// An answer of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "with", rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::GetHealth`].
    Health(Box<Health>),
    /// To [`Request::GetLoginPath`] and [`Request::RenewToken`]: for the dashboard's address, with what lets in once.
    LoginPath(Secret),
    /// To [`Request::GetStats`].
    Stats(Stats),
    /// To [`Request::ListCalls`].
    Calls(CallsPage),
    /// To [`Request::Search`].
    Found(Box<SearchPage>),
    /// To [`Request::GetSnippets`].
    Snippets(Snippets),
    /// To [`Request::GetSearchLag`] and [`Request::RebuildSearch`].
    SearchLag(SearchLag),
    /// To [`Request::GetCall`].
    Call(Box<CallDetail>),
    /// To [`Request::GetConversation`].
    Conversation(Box<Conversation>),
    /// To [`Request::GetBody`].
    Body(BodyText),
    /// To [`Request::Replay`].
    Replay(Box<Replay>),
    /// To [`Request::ListInFlight`].
    InFlight(Vec<InFlight>),
    /// To [`Request::GetFacets`].
    Facets(Facets),
    /// To [`Request::GetHistogram`].
    Histogram(Vec<HistogramBar>),
    /// To [`Request::GetSeries`].
    Series(Series),
    /// To [`Request::GetOverview`].
    Overview(Box<Overview>),
    /// To [`Request::GetMeter`].
    Meter(Meter),
    /// To [`Request::ListSessions`].
    Sessions(SessionsPage),
    /// To [`Request::GetSession`].
    Session(Box<SessionDetail>),
    /// To [`Request::ListTraces`].
    Traces(TracesPage),
    /// To [`Request::GetTrace`].
    Trace(Box<TraceDetail>),
    /// To [`Request::FindTrace`]: its id, in hex.
    TraceId(String),
    /// To [`Request::ListSpans`].
    Spans(Vec<SpanDetail>),
    /// To [`Request::GetSpan`] and [`Request::FindSpan`].
    Span(Box<SpanDetail>),
    /// To [`Request::ListLogs`].
    Logs(LogsPage),
    /// To [`Request::ListLogDetails`].
    LogDetails(LogDetails),
    /// To [`Request::GetLog`].
    Log(Box<LogDetail>),
    /// To [`Request::GetLogHistogram`].
    LogHistogram(LogHistogram),
    /// To [`Request::GetLogFacets`].
    LogFacets(LogFacets),
    /// To [`Request::ListMetrics`].
    Metrics(Vec<MetricSummary>),
    /// To [`Request::GetMetricChart`].
    MetricChart(Box<MetricChart>),
    /// To [`Request::ListPoints`].
    Points(PointsPage),
    /// To [`Request::FindPoints`].
    FoundPoints(FoundPoints),
    /// To [`Request::GetPoint`].
    Point(Box<FoundPoint>),
    /// To [`Request::GetMetricUsage`].
    MetricUsage(Vec<MetricUsage>),
    /// To [`Request::GetModels`].
    Models(Box<Models>),
    /// To [`Request::FindPrices`].
    Prices(PricesPage),
    /// To [`Request::SetPrice`] and [`Request::RemovePrice`].
    PriceTables(Box<PriceTables>),
    /// To [`Request::RefreshPrices`].
    PriceRefresh(Box<PriceRefresh>),
    /// To [`Request::Reprice`].
    Repricing(Box<Repricing>),
    /// To [`Request::GetRepricings`].
    Repricings(Vec<Repricing>),
    /// To [`Request::GetCallCache`].
    CallCache(Box<CallCache>),
    /// To [`Request::GetSessionCache`].
    SessionCache(Box<SessionCache>),
    /// To [`Request::GetTimeline`].
    Timeline(Timeline),
    /// To [`Request::SetSource`].
    Source(SourceStatus),
    /// To [`Request::GetStranded`], latest call first.
    Stranded(Vec<Stranded>),
    /// To [`Request::GetSettings`].
    Settings(SettingsView),
    /// To [`Request::GetBudgets`] and what changes them.
    Budgets(Box<Budgets>),
    /// To [`Request::GetStorage`].
    Storage(Box<Storage>),
    /// To [`Request::CountErase`] and [`Request::Erase`].
    Erased(Erased),
    /// To [`Request::Rebuild`].
    Rebuilt {
        /// Sums that were compared with the calls.
        sums: u64,
        /// Of them, those that were wrong.
        wrong: u64,
    },
    /// To [`Request::GetProviders`].
    Providers(Box<Providers>),
    /// How each provider is, in the order of the table.
    ProviderChecks(Vec<ProviderCheck>),
    /// To [`Request::AddLocalKey`].
    LocalKey(Box<MadeKey>),
    /// To [`Request::TestKey`].
    KeyTest(KeyTest),
}

/// A page of calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallsPage {
    /// The calls, newest first.
    pub calls: Vec<CallSummary>,
    /// How many match in all.
    pub total: u64,
    /// A search is still reading texts: there may come to be more.
    #[serde(default)]
    pub reading: Option<Reading>,
}

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyText {
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The part's first byte in the decoded body.
    pub offset: u64,
    /// The byte after the part's last one: ask from here for more.
    pub next: u64,
    /// The decoded body's size.
    pub total: u64,
    /// Whether bytes were replaced because they are not UTF-8.
    pub binary: bool,
}

/// Totals over calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Calls.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
    /// Tokens by bucket, over the calls whose usage is known.
    pub usage: Usage,
    /// Cost over the calls whose cost is known.
    pub cost: Money,
    /// Billable calls whose cost is unknown.
    pub unpriced: u64,
    /// Sum of durations in microseconds.
    pub duration_us: u64,
    /// Mean duration in microseconds, over the calls that ended.
    pub mean_duration_us: Option<u64>,
    /// By model, most calls first.
    pub models: Vec<ModelTotal>,
    /// Replays that match: they are in none of the above unless the filter asks for them.
    #[serde(default)]
    pub replays: ReplayTotals,
}

/// Totals of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelTotal {
    /// The model.
    pub model: String,
    /// Its calls.
    pub calls: u64,
    /// Its tokens, all buckets.
    pub tokens: u64,
    /// Its known cost.
    pub cost: Money,
}

/// Values that filters can take, most used first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facets {
    /// Models.
    pub models: Vec<String>,
    /// Providers.
    pub providers: Vec<String>,
    /// Tools and SDKs.
    pub clients: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
}

/// Calls of one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramBar {
    /// Its beginning, in milliseconds since 1970 (UTC).
    pub from_ms: i64,
    /// Calls begun in it.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
}
