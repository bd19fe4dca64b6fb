//! The button that chooses a stretch of time.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::filter::Last;

/// `absolute` says that fixed times are set; with `bounded` a stretch must be chosen.
#[component]
pub fn TimeRange(
    #[prop(into)] last: Signal<Option<Last>>,
    #[prop(into)] absolute: Signal<bool>,
    #[prop(into)] choose: Callback<Option<Last>>,
    #[prop(optional)] bounded: bool,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let label = move || match (last.get(), absolute.get()) {
        (Some(last), _) => last.label(),
        (None, true) => "Chosen time",
        (None, false) => "All time",
    };
    let item = move |of: Option<Last>| {
        let label = of.map_or("All time", Last::label);
        let current = move || last.get() == of && !absolute.get();
        view! {
            <button type="button" role="menuitemradio" aria-checked=move || current().to_string()
                on:click=move |_| { open.set(false); choose.run(of); }>
                <span class="tick">{move || current().then(|| view! { <Glyph icon=Icon::Check small=true /> })}</span>
                {label}
            </button>
        }
    };
    view! {
        <div class="menu" on:keydown=move |event| if event.key() == "Escape" { open.set(false) }>
            <button
                type="button" class="btn" data-testid="time-range" aria-haspopup="menu"
                aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon=Icon::Clock />{label}<Glyph icon=Icon::ChevronDown small=true />
            </button>
            <Show when=move || open.get()>
                <div class="under" on:click=move |_| open.set(false)></div>
                <div class="pop" role="menu">
                    {(!bounded).then(|| item(None))}
                    {Last::ALL.into_iter().map(|last| item(Some(last))).collect_view()}
                </div>
            </Show>
        </div>
    }
}
