//! A button that deletes for good: it first asks how much that is, says so in its own place, and deletes when it is pressed
//! again. Leaves out what is deleted.

use api::{Erase, Erased};
use leptos::html::Button;
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::change::Change;
use crate::components::states::Refused;
use crate::format::plural;

/// `what` is asked for when the button is pressed; `then` is run once it is gone.
#[component]
pub fn EraseButton(
    #[prop(into)] what: Callback<(), Option<Erase>>,
    #[prop(into)] then: Callback<Erased>,
    #[prop(default = "Delete")] label: &'static str,
    #[prop(default = "btn sm")] class: &'static str,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let (backend, change) = (use_backend(), Change::new());
    // What would go, and how much that is.
    let asking = RwSignal::new(None::<(Erase, Erased)>);
    let keep = NodeRef::<Button>::new();
    Effect::new(move |_| {
        if let Some(keep) = keep.get() {
            // A button that cannot take the focus is still there to be clicked.
            let _ = keep.focus();
        }
    });
    let ask = move |event: web_sys::MouseEvent| {
        event.stop_propagation();
        if let Some(what) = what.run(()) {
            let counted = backend.count_erase(what.clone());
            change.run(counted, move |count| {
                asking.try_set(Some((what, count)));
            });
        }
    };
    let delete = move |_| {
        if let Some((what, _)) = asking.get_untracked() {
            change.run(backend.erase(what), move |erased| {
                asking.try_set(None);
                then.run(erased);
            });
        }
    };
    let escape = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            asking.set(None);
        }
    };
    let busy = move || change.busy.get();
    let is_nothing =
        move || asking.with(|asking| asking.as_ref().is_none_or(|(_, count)| count.is_nothing()));
    view! {
        <Show
            when=move || asking.with(Option::is_some)
            fallback=move || view! {
                <button type="button" class=class data-testid=testid disabled=busy on:click=ask>{label}</button>
            }
        >
            <span class="twostep" role="group" aria-label="Confirm" on:keydown=escape on:click=|event| event.stop_propagation()>
                <span class="t2" data-testid="erase-question">
                    {move || asking.with(|asking| asking.as_ref().map(|(_, count)| question(count)))}
                </span>
                <Show when=move || !is_nothing()>
                    <button type="button" class="btn sm danger" data-testid="confirm" disabled=busy on:click=delete>"Delete"</button>
                </Show>
                <button node_ref=keep type="button" class="btn sm" disabled=busy on:click=move |_| asking.set(None)>
                    {move || if is_nothing() { "Close" } else { "Keep" }}
                </button>
            </span>
        </Show>
        <Refused error=change.refused />
    }
}

/// What goes, in words.
pub fn spelled(erased: &Erased) -> String {
    let counts = [
        (erased.calls, "call", "calls"),
        (erased.traces, "trace", "traces"),
        (erased.spans, "span", "spans"),
        (erased.logs, "log record", "log records"),
        (erased.points, "metric point", "metric points"),
    ];
    let counted = counts.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> = counted.map(|(count, one, many)| plural(count, one, many)).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn question(count: &Erased) -> String {
    match count.is_nothing() {
        true => "There is nothing of that.".to_owned(),
        false => format!("Delete {} for good?", spelled(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_told() {
        let counts = Erased { calls: 1, spans: 1_200, ..Erased::default() };
        assert_eq!(question(&counts), "Delete 1 call and 1,200 spans for good?");
        assert_eq!(question(&Erased::default()), "There is nothing of that.");
        let all = Erased { calls: 2, traces: 1, logs: 3, ..Erased::default() };
        assert_eq!(spelled(&all), "2 calls, 1 trace and 3 log records");
    }
}
