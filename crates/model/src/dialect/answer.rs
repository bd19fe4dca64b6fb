//! An answer while it is put together from its events: figures, and one draft of a message for each choice.
//! Leaves out every provider's shapes.

use std::collections::BTreeMap;

use api::{Message, Part, Role};

use super::Reading;

/// Where a part stands in its message: the item, then the place inside the item.
pub(super) type Place = (u64, u64);

/// What is known of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) reading: Reading,
    drafts: BTreeMap<u64, Draft>,
    pub(super) notes: Vec<String>,
    /// The model has written something.
    pub(super) has_output: bool,
    finished_choices: u64,
}

/// One choice's message.
#[derive(Debug, Default)]
pub(super) struct Draft {
    parts: BTreeMap<Place, Part>,
    /// Where the last appended piece went.
    tail: Option<Place>,
    appended: u64,
    finished: bool,
}

impl Answer {
    /// The draft of choice `index`.
    pub(super) fn draft(&mut self, index: u64) -> &mut Draft {
        self.drafts.entry(index).or_default()
    }

    /// Forgets every part: a document with the whole answer follows.
    pub(super) fn clear_drafts(&mut self) {
        self.drafts.clear();
    }

    /// Choice `index` ended for `reason`.
    pub(super) fn finish(&mut self, index: u64, reason: &str) {
        let draft = self.draft(index);
        let newly_finished = !std::mem::replace(&mut draft.finished, true);
        self.finished_choices += u64::from(newly_finished);
        if index == 0 || self.reading.finish_reason.is_none() {
            self.reading.finish_reason = Some(reason.to_owned());
        }
    }

    /// Every choice seen so far has ended, and there is one.
    pub(super) fn all_finished(&self) -> bool {
        self.finished_choices > 0 && self.finished_choices == self.drafts.len() as u64
    }

    /// Adds `part` at the end of choice `index`.
    pub(super) fn add(&mut self, index: u64, part: Part) {
        self.has_output |= says_something(&part);
        self.draft(index).append(part);
    }

    /// Puts `part` at `place` of choice 0.
    pub(super) fn put(&mut self, place: Place, part: Part) {
        self.has_output |= says_something(&part);
        self.draft(0).parts.insert(place, part);
    }

    /// Adds text to the part at `place` of choice 0, which `new` makes if there is none.
    pub(super) fn extend(&mut self, place: Place, piece: &str, new: impl FnOnce() -> Part) {
        self.has_output |= !piece.is_empty();
        let part = self.draft(0).parts.entry(place).or_insert_with(new);
        if let Some(text) = text_of(part) {
            text.push_str(piece);
        }
    }

    /// Replaces everything of `item` of choice 0.
    pub(super) fn replace_item(&mut self, item: u64, parts: Vec<Part>) {
        let draft = self.draft(0);
        let old: Vec<Place> =
            draft.parts.range((item, 0)..=(item, u64::MAX)).map(|(place, _)| *place).collect();
        for place in old {
            draft.parts.remove(&place);
        }
        for (place, part) in (0..).zip(parts) {
            self.put((item, place), part);
        }
    }

    /// The messages and the notes.
    pub(super) fn into_messages(self) -> (Vec<Message>, Vec<String>) {
        let messages = self.drafts.into_values().filter(|draft| !draft.parts.is_empty()).map(|draft| {
            Message { role: Role::Assistant, parts: draft.parts.into_values().collect(), cache_marker: false }
        });
        (messages.collect(), self.notes)
    }
}

impl Draft {
    /// The part at `place`.
    pub(super) fn part_mut(&mut self, place: Place) -> Option<&mut Part> {
        self.parts.get_mut(&place)
    }

    /// The part at `place`, made by `new` if there is none.
    pub(super) fn part_or(&mut self, place: Place, new: impl FnOnce() -> Part) -> &mut Part {
        self.parts.entry(place).or_insert_with(new)
    }

    /// Adds `part` at the end: a piece of text goes on where the last piece of its kind ended.
    fn append(&mut self, mut part: Part) {
        let empty = text_of(&mut part).is_some_and(|text| text.is_empty());
        if empty && !matches!(part, Part::ToolCall { .. }) {
            return;
        }
        if let Some(last) = self.tail.and_then(|place| self.parts.get_mut(&place))
            && grow(last, &part)
        {
            return;
        }
        let place = (self.appended, 0);
        self.appended += 1;
        self.tail = Some(place);
        self.parts.insert(place, part);
    }
}

/// Appends `piece` to `last` when both are text of the same kind.
fn grow(last: &mut Part, piece: &Part) -> bool {
    match (last, piece) {
        (Part::Text { text }, Part::Text { text: more })
        | (Part::Thinking { text }, Part::Thinking { text: more })
        | (Part::Refusal { text }, Part::Refusal { text: more }) => text.push_str(more),
        _ => return false,
    }
    true
}

/// The text that grows while a part is streamed.
pub(super) fn text_of(part: &mut Part) -> Option<&mut String> {
    match part {
        Part::Text { text } | Part::Thinking { text } | Part::Refusal { text } => Some(text),
        Part::ToolCall { arguments, .. } => Some(arguments),
        Part::ToolResult { .. } | Part::Media { .. } | Part::Other { .. } => None,
    }
}

fn says_something(part: &Part) -> bool {
    match part {
        Part::Text { text } | Part::Thinking { text } | Part::Refusal { text } => !text.is_empty(),
        Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Media { .. } | Part::Other { .. } => true,
    }
}
