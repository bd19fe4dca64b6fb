//! Sending the call again: what is to be different, where it would go and what that may cost, and sending it. What came
//! of it has a page of its own. Leaves out comparing (`compare`).

use api::{BodySide, CallDetail, CallId, CallState, Operation, Replay, ReplayEdit, ReplayUntil};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Page;
use super::bytes::{LARGE, load};
use super::tabs::Tab;
use crate::backend::use_backend;
use crate::change::Change;
use crate::components::states::Refused;
use crate::fetch::fetch;
use crate::format::money;
use crate::json::pretty;

/// Opens the form, for a call that can be sent again.
#[component]
pub fn ReplayButton(call: CallDetail) -> impl IntoView {
    let page = expect_context::<Page>();
    if !can_be_sent(&call) {
        return ().into_any();
    }
    view! {
        <button
            type="button" class="btn sm" data-testid="replay" title="Send this call again, as it was or edited"
            aria-expanded=move || page.replaying.get().to_string()
            on:click=move |_| page.replaying.update(|shown| *shown = !*shown)
        >
            "Replay"
        </button>
    }
    .into_any()
}

/// What the engine refuses in any case gets no button.
fn can_be_sent(call: &CallDetail) -> bool {
    let row = &call.summary;
    let asks = matches!(row.operation, Operation::Chat | Operation::TextCompletion | Operation::Embeddings);
    asks && row.method == "POST" && row.state != CallState::Open && super::sources::is_proxied(call)
}

/// The form, while it is open.
#[component]
pub fn ReplayForm(call: CallDetail) -> impl IntoView {
    let page = expect_context::<Page>();
    let call = StoredValue::new(call);
    move || page.replaying.get().then(|| view! { <Form call=call.get_value() /> })
}

#[component]
fn Form(call: CallDetail) -> impl IntoView {
    let (page, backend, change) = (expect_context::<Page>(), use_backend(), Change::new());
    let navigate = use_navigate();
    let (side, info) = match &call.translated {
        Some(translated) => (BodySide::ClientRequest, translated.request_body.clone()),
        None => (BodySide::Request, call.request_body.clone()),
    };
    let (id, size) = (call.summary.id, info.stored_bytes);
    let editable = size <= LARGE;
    let recorded = fetch(true, move || editable.then_some(()), move |()| load(backend, id, side, size, true));
    let providers = fetch(true, || Some(()), move |()| backend.providers());
    let model = RwSignal::new(call.requested_model.clone().unwrap_or_default());
    let provider = RwSignal::new(call.summary.provider);
    // `None`: as it was recorded.
    let body = RwSignal::new(None::<String>);
    let was = StoredValue::new((model.get_untracked(), provider.get_untracked()));
    let edit = move || ReplayEdit {
        body: body.get(),
        model: was.with_value(|(was, _)| other(&model.get(), was)),
        provider: was.with_value(|(_, was)| other(&provider.get(), was)),
    };
    // Looked at whenever the model or the provider is another one; the body's text changes with every key.
    let looked = fetch(
        true,
        move || {
            let (model, provider) =
                was.with_value(|was| (other(&model.get(), &was.0), other(&provider.get(), &was.1)));
            Some(ReplayEdit { body: None, model, provider })
        },
        move |edit| backend.replay(id, edit, ReplayUntil::DryRun),
    );
    let send = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let edit = untrack(edit);
        change.run(backend.replay(id, edit, ReplayUntil::Begun), move |replay: Replay| {
            page.replaying.try_set(false);
            if let Some(new) = replay.id {
                page.tab.try_set(Tab::Compare);
                page.sent.try_set(Some(new));
                navigate(&address(new), NavigateOptions::default());
            }
        });
    };
    let escape = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            page.replaying.set(false);
        }
    };
    let names = move || {
        let known = providers.with(|found| {
            let names =
                found.map(|found| found.providers.iter().map(|one| one.name.clone()).collect::<Vec<_>>());
            names.unwrap_or_default()
        });
        let own = was.with_value(|(_, own)| own.clone());
        let others = known.into_iter().filter(|name| *name != own).collect::<Vec<_>>();
        std::iter::once(own).chain(others)
    };
    let options = move || {
        let option = |name: String| {
            let value = name.clone();
            view! { <option value=value>{name}</option> }
        };
        names().map(option).collect_view()
    };
    let text = move || {
        body.get().unwrap_or_else(|| {
            recorded.with(|found| found.map(|found| pretty(&found.head)).unwrap_or_default())
        })
    };
    view! {
        <form class="replayform" data-testid="replay-form" on:submit=send on:keydown=escape>
            <label><span>"Model"</span><span class="box"><input type="text" autocomplete="off" spellcheck="false" autofocus data-testid="replay-model"
                prop:value=move || model.get() on:change=move |event| model.set(event_target_value(&event)) /></span></label>
            <label><span>"Provider"</span><select class="box" data-testid="replay-provider"
                on:change=move |event| provider.set(event_target_value(&event))>{options}</select></label>
            {match editable {
                true => view! {
                    <label class="wide"><span>"Body"</span><textarea class="box mono" rows="12" spellcheck="false" data-testid="replay-body"
                        prop:value=text on:input=move |event| body.set(Some(event_target_value(&event)))></textarea></label>
                }.into_any(),
                false => view! { <p class="wide t3 s12">"The body is too large to be edited here; it is sent as it was recorded."</p> }.into_any(),
            }}
            <p class="wide s12 t2" role="status" data-testid="replay-estimate">
                {move || looked.error().map(|error| view! {
                    <span class="warn" data-testid="replay-trouble">{error.error}</span>" "<a class="hov" href="/providers">"Keys and providers"</a>
                })}
                {move || looked.with(|looked| looked.map(told))}
            </p>
            <Refused error=change.refused />
            <div class="wide row g3">
                <button type="submit" class="btn sm pri" data-testid="replay-send" disabled=move || change.busy.get()>
                    {move || if change.busy.get() { "Sending" } else { "Send" }}
                </button>
                <button type="button" class="btn sm" on:click=move |_| page.replaying.set(false)>"Cancel"</button>
                <span class="t3 s12">"This is a real call and costs real money. Tools are not run."</span>
            </div>
        </form>
    }
}

/// The page of the new call, where it can be watched.
fn address(id: CallId) -> String {
    format!("/traces/{id}")
}

/// What is typed, where it is another word than before.
fn other(typed: &str, was: &str) -> Option<String> {
    let typed = typed.trim();
    (!typed.is_empty() && typed != was).then(|| typed.to_owned())
}

/// Where it would go, and what that may cost.
fn told(replay: &Replay) -> String {
    let estimate = match replay.estimate {
        Some(cost) => format!("about {} if it takes as many tokens as the first time", money(cost, 4)),
        None => "what it will cost is not known".to_owned(),
    };
    let model = replay.model.as_ref().map(|model| format!(" for {model}")).unwrap_or_default();
    format!("Goes to {}{model}; {estimate}.", replay.upstream)
}

#[cfg(test)]
mod tests {
    use api::Money;

    use super::*;

    #[test]
    fn only_what_is_another_word_is_an_edit() {
        assert_eq!(other(" gpt-4o ", "gpt-4o"), None);
        assert_eq!(other("", "gpt-4o"), None);
        assert_eq!(other("gpt-5", "gpt-4o").as_deref(), Some("gpt-5"));
    }

    #[test]
    fn what_it_may_cost_is_said_before() {
        let replay = Replay {
            of: "0195e0e0-0000-7000-8000-000000000000".parse().unwrap(),
            id: None,
            provider: "openai".into(),
            upstream: "api.openai.com".into(),
            path: "/v1/chat/completions".into(),
            model: Some("gpt-4o".into()),
            body_bytes: 10,
            estimate: Some(Money::from_pico(2_000_000_000)),
            call: None,
            cost: None,
            tools_asked: Vec::new(),
        };
        assert_eq!(
            told(&replay),
            "Goes to api.openai.com for gpt-4o; about $0.0020 if it takes as many tokens as the first time."
        );
        assert!(told(&Replay { estimate: None, ..replay }).ends_with("what it will cost is not known."));
    }
}
