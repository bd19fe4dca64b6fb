//! One name for a model however it is written: sources call the same model by its alias, its dated snapshot, with a
//! vendor or a region before it.

/// The name of a model without what senders add to it or leave out: case, vendor, region, date, version and context marks;
/// `.` and `-` are the same.
pub fn family(model: &str) -> String {
    let mut name = model.trim().to_ascii_lowercase();
    // An address of the model: what it is called stands last.
    if let Some((_, last)) = name.rsplit_once('/') {
        name = last.to_owned();
    }
    for cut in ['@', ':', '['] {
        if let Some((first, _)) = name.split_once(cut)
            && !first.is_empty()
        {
            name = first.to_owned();
        }
    }
    // `us.anthropic.claude-…`: words without a digit before a point are regions and vendors.
    while let Some((first, rest)) = name.split_once('.') {
        let word = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        if !word || rest.is_empty() {
            break;
        }
        name = rest.to_owned();
    }
    name = name.replace(['.', '_'], "-");
    undated(&name).to_owned()
}

/// Without `-latest`, `-v1`, `-YYYY-MM-DD` or `-YYYYMMDD` at the end.
fn undated(name: &str) -> &str {
    let digits =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut name = name;
    loop {
        let Some((rest, last)) = name.rsplit_once('-').filter(|(rest, _)| !rest.is_empty()) else {
            return name;
        };
        if last == "latest" || digits(last, 8) && last.starts_with("20") || matches!(last, "v1" | "v2") {
            name = rest;
            continue;
        }
        let date = rest.rsplit_once('-').and_then(|(rest, month)| {
            let (rest, year) = rest.rsplit_once('-')?;
            let is_date = digits(last, 2) && digits(month, 2) && digits(year, 4) && year.starts_with("20");
            is_date.then_some(rest)
        });
        match date {
            Some(rest) if !rest.is_empty() => name = rest,
            _ => return name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn one_model_has_one_family_however_it_is_written() {
        for (family_name, spellings) in [
            (
                "claude-sonnet-4-5",
                &[
                    "claude-sonnet-4-5",
                    "claude-sonnet-4-5-20250929",
                    "anthropic/claude-sonnet-4.5",
                    "Claude-Sonnet-4-5[1m]",
                    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                    "claude-sonnet-4-5@20250929",
                ][..],
            ),
            ("gpt-4o", &["gpt-4o", "gpt-4o-2024-08-06", "openai/gpt-4o", "azure/eu/gpt-4o"]),
            ("gemini-2-5-pro", &["gemini-2.5-pro", "models/gemini-2.5-pro", "google/gemini-2.5-pro:free"]),
            ("gpt-4o-mini", &["gpt-4o-mini"]),
            ("gpt-4-1", &["gpt-4.1", "gpt-4.1-2025-04-14"]),
        ] {
            for spelling in spellings {
                assert_eq!(family(spelling), family_name, "{spelling}");
            }
        }
        for odd in ["", "-", "/", "@x", ":", "2024", "20240101", "a-20240101-20240101", "..", "-latest"] {
            // Whatever it is, it ends, and is the same the second time.
            assert_eq!(family(&family(odd)), family(odd), "{odd}");
        }
    }
}
