//! Media types by the ending of an address, for providers that want to be told before they fetch.

/// The type of what an address ends in; `None` when that says nothing.
pub(crate) fn of_url(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ending_counts_not_the_query() {
        assert_eq!(super::of_url("https://x.test/a.PNG?size=2.pdf"), Some("image/png"));
        assert_eq!(super::of_url("https://x.test/a.b/c"), None);
    }
}
