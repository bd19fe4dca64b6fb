//! Which spans are plumbing: HTTP, databases that are no vector stores, remote procedures. Leaves out what a coding
//! agent does inside (its dialect knows).

use super::keys::Key;
use super::kind;
use super::told::Told;
use super::wire::Span;

/// How instrumentations of plumbing are called, behind the prefix of their language.
const PLUMBING: [&str; 38] = [
    "http",
    "https",
    "undici",
    "fetch",
    "xml-http-request",
    "express",
    "fastify",
    "koa",
    "hapi",
    "nestjs-core",
    "connect",
    "net",
    "dns",
    "fs",
    "grpc",
    "httpx",
    "requests",
    "urllib",
    "urllib3",
    "aiohttp_client",
    "aiohttp_server",
    "aiohttp-client",
    "aiohttp-server",
    "asgi",
    "wsgi",
    "fastapi",
    "starlette",
    "flask",
    "django",
    "tornado",
    "redis",
    "ioredis",
    "sqlalchemy",
    "psycopg",
    "psycopg2",
    "pg",
    "mysql",
    "sqlite3",
];

/// How those instrumentations begin.
const PREFIXES: [&str; 2] = ["@opentelemetry/instrumentation-", "opentelemetry.instrumentation."];

/// Attributes of plumbing.
const SIGNS: [Key; 9] = [
    Key::HttpMethod,
    Key::HttpMethodOld,
    Key::UrlFull,
    Key::HttpUrl,
    Key::RpcSystem,
    Key::DbSystem,
    Key::DbSystemName,
    Key::MessagingSystem,
    Key::HttpStatusOld,
];

/// A request that came to a server.
const SERVER: i32 = 2;

/// Whether a span that says nothing of models is plumbing. The request at the root of everything is not: it is what
/// somebody asked for.
pub(super) fn is(span: &Span, told: &Told<'_>) -> bool {
    let asked_for = span.parent.is_none() && span.kind == SERVER;
    !asked_for && (by_scope(told.scope) || told.facts.any(&SIGNS)) && !kind::is_vector_store(&told.facts)
}

fn by_scope(scope: &str) -> bool {
    let name = PREFIXES.iter().find_map(|prefix| scope.strip_prefix(prefix));
    name.is_some_and(|name| PLUMBING.contains(&name)) || scope.starts_with("io.opentelemetry.http")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plumbing_is_known_by_its_instrumentation() {
        assert!(by_scope("@opentelemetry/instrumentation-http"));
        assert!(by_scope("opentelemetry.instrumentation.httpx"));
        assert!(!by_scope("opentelemetry.instrumentation.openai.v1"));
        assert!(!by_scope("gemini-cli"));
    }
}
