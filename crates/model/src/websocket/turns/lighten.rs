//! Sound in the record of a turn: its beginning is kept, of the rest only the size. Leaves out everything else.

use std::borrow::Cow;

use serde_json::Value;

use crate::scanner::string_member;

/// Bytes of sound, in base64, that one turn's record keeps.
const KEPT: usize = 256 << 10;
/// Where messages hold sound: the message's type, and the member.
const PLACES: [(&str, &str); 3] = [
    ("input_audio_buffer.append", "audio"),
    ("response.output_audio.delta", "delta"),
    ("response.audio.delta", "delta"),
];

/// The sound of one turn so far.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    kept: usize,
}

impl Recordings {
    /// The message, without its sound once enough is kept.
    pub(super) fn lighten<'a>(&mut self, text: &'a [u8]) -> Cow<'a, [u8]> {
        self.lighter(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    fn lighter(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let kind = string_member(text, "type").unwrap_or_default();
        let typed = PLACES.iter().find(|(known, _)| *known == kind);
        let live = typed.is_none() && kind.is_empty() && text.len() > 1024;
        if typed.is_none() && !live {
            return None;
        }
        self.kept = self.kept.saturating_add(text.len());
        if self.kept <= KEPT {
            return None;
        }
        let mut value: Value = serde_json::from_slice(text).ok()?;
        match typed {
            Some((_, name)) => leave_out(value.as_object_mut()?.get_mut(*name)?),
            None => leave_out_inline(&mut value),
        }
        serde_json::to_vec(&value).ok()
    }
}

fn leave_out(sound: &mut Value) {
    let size = sound.as_str().map_or(0, str::len);
    *sound = Value::String(format!("[{size} characters of base64 left out]"));
}

/// Gemini's sound is `data` beside `mimeType`, anywhere.
fn leave_out_inline(value: &mut Value) {
    match value {
        Value::Object(members) if members.contains_key("mimeType") => {
            members.get_mut("data").into_iter().for_each(leave_out);
        }
        Value::Object(members) => members.values_mut().for_each(leave_out_inline),
        Value::Array(values) => values.iter_mut().for_each(leave_out_inline),
        _ => {}
    }
}
