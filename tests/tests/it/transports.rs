//! Every way a call can travel: HTTP/1.1 and HTTP/2 on either side, TLS, both address families, trailers, expectations.

mod endings;
mod http2;
mod messages;
