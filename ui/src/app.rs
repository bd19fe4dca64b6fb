//! The app: what everything shares, the routes, and the frame around each page.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::{Redirect, Route, Router, Routes};
use leptos_router::hooks::{use_location, use_navigate};
use leptos_router::path;

use crate::backend::Backend;
use crate::browser::{is_on_control, on_key};
use crate::components::keys_overlay::KeysOverlay;
use crate::components::side_nav::SideNav;
use crate::components::status_bar::StatusBar;
use crate::live::Live;
use crate::made_keys::MadeKeys;
use crate::pages::analytics::Analytics;
use crate::pages::analytics::meter::MeterPage;
use crate::pages::connect::Connect;
use crate::pages::logs::Logs;
use crate::pages::metrics::Metrics;
use crate::pages::missing::Missing;
use crate::pages::models::Models;
use crate::pages::overview::Overview;
use crate::pages::providers::Providers;
use crate::pages::session::Session;
use crate::pages::sessions::Sessions;
use crate::pages::settings::Settings;
use crate::pages::trace::Trace;
use crate::pages::traces::Traces;
use crate::preferences::Preferences;
use crate::source::SourceStrip;
use crate::today::Today;

/// The address of the Traces page as it was last seen, so that filters survive a look at one call.
#[derive(Clone, Copy)]
pub struct LastTraces(pub RwSignal<String>);

/// Everything.
#[component]
pub fn App() -> impl IntoView {
    let backend = Backend::connect();
    provide_context(backend);
    let live = Live::start(backend);
    provide_context(live);
    provide_context(Today::start(backend, live));
    provide_context(Preferences::load());
    provide_context(MadeKeys::default());
    provide_context(LastTraces(RwSignal::new("/traces".to_owned())));
    // Effects run once the page is drawn.
    Effect::new(move |_| backend.announce());
    view! {
        <Router>
            <Frame />
        </Router>
    }
}

#[component]
fn Frame() -> impl IntoView {
    let preferences = expect_context::<Preferences>();
    let LastTraces(last_traces) = expect_context();
    let location = use_location();
    let navigate = use_navigate();
    let on_trace = Memo::new(move |_| location.pathname.with(|path| path.starts_with("/traces/")));
    let help = RwSignal::new(false);
    Effect::new(move |_| {
        if location.pathname.with(|path| path == "/traces") {
            let search = location.search.get();
            let search = search.trim_start_matches('?');
            last_traces.set(if search.is_empty() { "/traces".into() } else { format!("/traces?{search}") });
        }
    });
    on_key(move |event| {
        match event.key().as_str() {
            "t" => preferences.toggle_theme(),
            "\\" => preferences.toggle_rail(on_trace.get_untracked()),
            "?" => help.update(|open| *open = !*open),
            "Escape" if help.get_untracked() => help.set(false),
            "Enter" | " " if is_on_control(event) => return false,
            "1" => navigate("/overview", NavigateOptions::default()),
            "8" => navigate("/analytics", NavigateOptions::default()),
            "9" => navigate("/providers", NavigateOptions::default()),
            "4" => navigate("/sessions", NavigateOptions::default()),
            "5" => navigate("/logs", NavigateOptions::default()),
            "6" => navigate("/metrics", NavigateOptions::default()),
            "7" => navigate("/models", NavigateOptions::default()),
            "3" => navigate(&last_traces.get_untracked(), NavigateOptions::default()),
            _ => return false,
        }
        true
    });
    view! {
        <div class="app" class:rail=move || preferences.is_rail(on_trace.get())>
            <SideNav />
            <main>
                <SourceStrip />
                <Routes fallback=Missing>
                    <Route path=path!("/") view=|| view! { <Redirect path="/overview" /> } />
                    <Route path=path!("/overview") view=Overview />
                    <Route path=path!("/traces") view=Traces />
                    <Route path=path!("/traces/:id") view=Trace />
                    <Route path=path!("/sessions") view=Sessions />
                    <Route path=path!("/sessions/:key") view=Session />
                    <Route path=path!("/logs") view=Logs />
                    <Route path=path!("/metrics") view=Metrics />
                    <Route path=path!("/analytics") view=Analytics />
                    <Route path=path!("/analytics/completeness") view=MeterPage />
                    <Route path=path!("/models") view=Models />
                    <Route path=path!("/providers") view=Providers />
                    <Route path=path!("/connect") view=Connect />
                    <Route path=path!("/settings") view=Settings />
                </Routes>
            </main>
            <StatusBar help=help />
        </div>
        <KeysOverlay open=help />
    }
}
