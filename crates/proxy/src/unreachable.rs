//! Why an upstream gave no answer, in a sentence with its remedy for each kind of failure. Pure.

use std::error::Error;
use std::io::ErrorKind;

use rustls::CertificateError;

use crate::dial::ProxyFailed;

/// The causes behind an error, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| inner(*error))
}

/// An I/O error hides the error it was made from.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())
}

/// Why a call failed, from the outermost cause to the innermost.
pub(crate) fn causes(error: &hyper_util::client::legacy::Error) -> String {
    let mut causes: Vec<String> = chain(error).map(ToString::to_string).collect();
    causes.dedup();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// What happened and what to do, in one or two sentences. `authority` is the upstream's.
pub(crate) fn explain(error: &hyper_util::client::legacy::Error, authority: &str) -> String {
    sentence(error, error.is_connect(), &causes(error), authority)
}

fn sentence(error: &(dyn Error + 'static), connecting: bool, causes: &str, authority: &str) -> String {
    if let Some(failed) = chain(error).find_map(|error| error.downcast_ref::<ProxyFailed>()) {
        let remedy = match causes.contains("authorization required") {
            true => {
                "It wants a user name and password: put them into HTTPS_PROXY or upstream_proxy (http://user:password@host:port)."
            }
            false => {
                "Check HTTPS_PROXY and NO_PROXY in LLMFlow's environment, or upstream_proxy in the settings."
            }
        };
        return format!(
            "LLMFlow could not reach {authority} through the proxy {}: {causes}. {remedy}",
            failed.proxy
        );
    }
    if let Some(tls) = chain(error).find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return certificate(tls, authority);
    }
    let io = chain(error).find_map(|error| error.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let settings = "this provider's base_url in the settings";
    match (connecting, io) {
        _ if causes.contains("dns error") => format!(
            "The name of {authority} was not found: {causes}. Check the network and its name server, or {settings}."
        ),
        (true, Some(ErrorKind::ConnectionRefused)) => format!(
            "{authority} refused the connection: nothing listens there. Start the server, or check {settings}."
        ),
        (true, Some(ErrorKind::TimedOut)) => format!(
            "{authority} did not take the connection in time. Check the network, a firewall, or {settings}; behind a company's proxy set HTTPS_PROXY."
        ),
        (true, _) => {
            format!("LLMFlow could not connect to {authority}: {causes}. Check the network, or {settings}.")
        }
        (false, _) if causes.contains("content-length") => format!(
            "{authority} gave its answer's length (Content-Length) twice with different values, or not as a number, so \
             that nobody can tell where it ends: {causes}. Whoever runs that server has to repair it."
        ),
        (false, _) if causes.contains("too large") || causes.contains("invalid HTTP") => {
            format!("{authority} answered with something that is not HTTP as LLMFlow reads it: {causes}.")
        }
        (false, _) => {
            format!("{authority} closed the connection before it answered: {causes}. Trying again may help.")
        }
    }
}

fn certificate(error: &rustls::Error, authority: &str) -> String {
    use rustls::Error::InvalidCertificate;
    let (what, remedy) = match error {
        InvalidCertificate(CertificateError::UnknownIssuer) => (
            "its certificate is signed by an authority that this machine does not trust".to_owned(),
            "Where a company's proxy opens TLS, install its certificate in the system's store, or name its file in SSL_CERT_FILE and start LLMFlow again.",
        ),
        InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            "its certificate is for another name".to_owned(),
            "Check the host in this provider's base_url in the settings.",
        ),
        InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => (
            "its certificate is not valid today".to_owned(),
            "Check this machine's clock; else the server's owner has to renew it.",
        ),
        other => {
            (other.to_string(), "Check that this provider's base_url in the settings names an HTTPS server.")
        }
    };
    format!("LLMFlow could not agree on TLS with {authority}: {what}. {remedy}")
}
