//! An address may name a part of its page behind its `#`; once that part is there it is brought into view.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Watches the address; `there` says that the parts are drawn.
pub fn jump_to_named(there: Memo<bool>) {
    let location = use_location();
    Effect::new(move |_| {
        let named = location.hash.get();
        let named = named.trim_start_matches('#').to_owned();
        if there.get() && !named.is_empty() {
            request_animation_frame(move || show(&named));
        }
    });
}

/// Brings the element with this id into view, and flashes it once so that it is found there.
pub fn show(id: &str) {
    if let Some(found) = document().get_element_by_id(id) {
        found.scroll_into_view();
        // A class that cannot be set leaves it where it is.
        let _ = found.class_list().add_1("named");
    }
}
