//! Single text fields of a multipart form (uploads of images, sound and files). Leaves out files and the headers of
//! parts beyond their names.

use memchr::memmem;

/// More than this is no model's name and no prompt.
const LONGEST: usize = 16 * 1024;

/// The text of the form's field called `name`; `None` when `body` is no form, or the field is a file or not UTF-8.
/// Works on a form of which only the beginning is known.
pub(super) fn text_field(body: &[u8], name: &str) -> Option<String> {
    if !body.starts_with(b"--") {
        return None;
    }
    let line_end = memchr::memchr(b'\n', body.get(..200.min(body.len()))?)?;
    let boundary = body.get(..line_end)?.trim_ascii_end();
    let wanted = format!("name=\"{name}\"");
    memmem::find_iter(body, boundary).find_map(|at| {
        let part = body.get(at + boundary.len()..)?;
        let head_end = memmem::find(part.get(..1024.min(part.len()))?, b"\r\n\r\n")?;
        let head = std::str::from_utf8(part.get(..head_end)?).ok()?;
        if !head.contains(&wanted) || head.contains("filename=") {
            return None;
        }
        let value = part.get(head_end + 4..)?;
        let value = value.get(..memmem::find(value, boundary)?)?.strip_suffix(b"\r\n")?;
        (value.len() <= LONGEST).then(|| std::str::from_utf8(value).ok().map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::text_field;

    const FORM: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"name=\"\r\nContent-Type: audio/wav\r\n\r\n\0\xff\r\n--b\r\n\
        Content-Disposition: form-data; name=\"prompt\"\r\n\r\nzwei\r\nZeilen\r\n--b--\r\n";

    #[test]
    fn text_is_found_and_files_are_not() {
        assert_eq!(text_field(FORM, "model").as_deref(), Some("whisper-1"));
        assert_eq!(text_field(FORM, "prompt").as_deref(), Some("zwei\r\nZeilen"));
        assert_eq!(text_field(FORM, "file"), None);
        assert_eq!(text_field(FORM, "other"), None);
    }

    #[test]
    fn what_is_cut_or_no_form_has_none() {
        assert_eq!(text_field(&FORM[..80], "model").as_deref(), Some("whisper-1"));
        assert_eq!(text_field(&FORM[..60], "model"), None);
        for body in [&b"{\"model\":\"m\"}"[..], b"--", b"--\n", b"", b"--x"] {
            assert_eq!(text_field(body, "model"), None);
        }
    }
}
