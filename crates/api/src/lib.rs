//! The vocabulary: every type that crosses a boundary between engine, hosts and UI.
//!
//! Owns shapes and their serde form. Leaves out all behaviour that needs a clock, a file, a network or a
//! runtime: this crate also builds for `wasm32-unknown-unknown`.
#![deny(missing_docs)]

mod budget;
mod cache;
mod call;
pub mod code;
pub mod connect;
mod conversation;
mod error;
mod event;
mod filter;
mod health;
mod keys;
mod log;
mod meter;
mod metric;
mod money;
mod overview;
mod prices;
mod replay;
mod request;
mod search;
mod session;
mod setting;
mod source;
mod timeline;
mod trace;
mod upkeep;
mod usage;

pub use budget::{
    Budget, BudgetOf, BudgetPer, BudgetState, BudgetStatus, BudgetThen, BudgetUse, Budgets, FoundLoop,
    LoopKind, Spent,
};
pub use cache::{CacheCause, CallCache, ContextPart, ContextShare, FirstChange, SessionCache};
pub use call::{
    BodyInfo, CallDetail, CallId, CallState, CallSummary, ChunkTiming, Header, InFlight, Operation,
    ServerTiming, Timing, Translated,
};
pub use conversation::{Conversation, Message, Part, Role, ToolDefinition};
pub use error::{ApiError, ErrorKind};
pub use event::Event;
pub use filter::{CallFilter, Outcome, Page};
pub use health::{Collected, Completeness, Health, HealthStatus};
pub use keys::{
    AwsState, KeyOrigin, KeyTest, KeychainState, LocalKey, MadeKey, ProviderCheck, ProviderState,
    ProviderStatus, Providers, Secret,
};
pub use log::{LogDetail, LogDetails, LogFacets, LogFilter, LogHistogram, LogRow, LogsPage};
pub use meter::{LostCalls, Meter, MeterCount, MeterPoint, MeterTool};
pub use metric::{
    FoundPoint, FoundPoints, MetricChart, MetricExemplar, MetricFilter, MetricKind, MetricLine, MetricPoint,
    MetricQuery, MetricSummary, MetricUsage, PointFilter, PointsPage, Quantile, Temporality,
};
pub use money::Money;
pub use overview::{
    Bucket, BucketCosts, ErrorCause, GroupBy, Latency, ModelLatency, Overview, Series, SeriesGroup,
    SeriesPoint, SessionTotal, ToolTotal, Totals, WindowPart,
};
pub use prices::{
    ModelUse, Models, OwnPrice, PriceOrigin, PriceRate, PriceRefresh, PriceRow, PriceTables, PricesPage,
    RepriceScope, Repricing, RepricingState,
};
pub use replay::{Replay, ReplayEdit, ReplayTotals, ReplayUntil};
pub use request::{BodySide, BodyText, CallsPage, Facets, HistogramBar, ModelTotal, Reply, Request, Stats};
pub use search::{Reading, SearchHit, SearchLag, SearchOrder, SearchPage, Snippet, SnippetPart, Snippets};
pub use session::{
    Agent, Lineage, SessionDetail, SessionFilter, SessionRef, SessionSource, SessionSummary, SessionsCursor,
    SessionsPage, Tie,
};
pub use setting::{Setting, SettingKind, SettingOrigin, SettingsView};
pub use source::{SourceState, SourceStatus, SourceTarget, Stranded};
pub use timeline::{Timeline, TimelineEntry, TimelineKind};
pub use trace::{
    Attribute, AttributeValue, CallReport, Difference, ReportSource, Reporter, SpanCall, SpanDetail,
    SpanEvent, SpanLink, SpanRow, SpanType, TraceDetail, TraceEntry, TraceSummary, TracesCursor, TracesPage,
};
pub use upkeep::{Erase, Erased, LastErased, Limits, Retention, Storage, StoragePart};
pub use usage::{BucketCost, Cost, CostSource, Usage, UsageSource};
