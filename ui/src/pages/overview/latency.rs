//! First token by model: p50 and p95 as two ends of a line, on one logarithmic scale.

use api::{ModelLatency, Overview};
use leptos::prelude::*;

use super::Page;
use super::panel::{Figured, Nothing};
use crate::colour;
use crate::format::{duration, plural};

const ROWS: usize = 8;

/// The panel.
#[component]
pub fn FirstToken() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(shown);
    view! {
        <section class="panel at-lat" data-testid="first-token">
            <div class="phead">
                <h2>"First token"</h2><span class="sub">"by model"</span><span class="end"></span>
                <span class="s11 t3 r head-p50">"p50"</span><span class="s11 t3 r head-p95">"p95 s"</span>
            </div>
            <Figured part=part what="First tokens could not be loaded" draw=|(models, more)| {
                if models.is_empty() {
                    return view! { <Nothing text="No stream has ended today. The first token is timed where an answer is streamed." /> }.into_any();
                }
                let scale = Scale::new(&models);
                view! {
                    <div class="tbl cols-lat">
                        {models.into_iter().map(|model| view! { <Row model=model scale=scale /> }).collect_view()}
                        {(more > 0).then(|| view! { <div class="tr dense t3">{format!("and {}", plural(more, "more model", "more models"))}</div> })}
                    </div>
                }
                .into_any()
            } />
        </section>
    }
}

/// The models with most timed calls, quickest first, and how many more there are.
fn shown(figures: &Overview) -> (Vec<ModelLatency>, u64) {
    let mut models = figures.models.clone();
    models.sort_by_key(|model| std::cmp::Reverse(model.first_token.calls));
    models.truncate(if figures.model_count > ROWS as u64 { ROWS - 1 } else { ROWS });
    models.sort_by_key(|model| model.first_token.p50_us);
    let more = figures.model_count.saturating_sub(models.len() as u64);
    (models, more)
}

/// From a little below the least to a little above the most, so that models that differ tenfold share it.
#[derive(Clone, Copy)]
struct Scale {
    least: f64,
    span: f64,
}

impl Scale {
    fn new(models: &[ModelLatency]) -> Self {
        let times =
            || models.iter().flat_map(|model| [model.first_token.p50_us, model.first_token.p95_us]).flatten();
        let log = |us: Option<u64>| (us.unwrap_or(1).max(1) as f64).ln();
        let least = log(times().min()) - 0.3;
        Self { least, span: (log(times().max()) + 0.2 - least).max(0.1) }
    }

    fn place(self, us: u64) -> f64 {
        ((us.max(1) as f64).ln() - self.least) / self.span * 100.0
    }
}

#[component]
fn Row(model: ModelLatency, scale: Scale) -> impl IntoView {
    let page = expect_context::<Page>();
    let name = model.model.clone();
    let colour = colour::model(name.as_deref().unwrap_or_default(), model.local);
    let (p50, p95) = (model.first_token.p50_us.unwrap_or(0), model.first_token.p95_us.unwrap_or(0));
    let (left, right) = (scale.place(p50), scale.place(p95));
    let href = page.calls(|view| {
        view.filter.first_token = Some(true);
        view.filter.model = Some(name.clone().unwrap_or_default());
    });
    let label = name.unwrap_or_else(|| "no model".to_owned());
    let title = format!(
        "{label}: half of {} within {}, 95 of 100 within {}",
        plural(model.first_token.calls, "timed call", "timed calls"),
        duration(p50),
        duration(p95)
    );
    view! {
        <a class="tr dense" href=href title=title data-testid="latency-row">
            <span class="cut t2">{label}</span>
            <span class="db" aria-hidden="true">
                <i class="ln" style=format!("left:{left:.1}%;width:{:.1}%;background:{colour}", right - left)></i>
                <i class="p5" style=format!("left:{left:.1}%;background:{colour}")></i>
                <i class="p9" style=format!("left:{right:.1}%;border-color:{colour}")></i>
            </span>
            <span class="num r">{seconds(p50, 2)}</span>
            <span class="num r t3">{seconds(p95, if p95 < 1_000_000 { 2 } else { 1 })}</span>
        </a>
    }
}

fn seconds(us: u64, decimals: usize) -> String {
    let seconds = us as f64 / 1e6;
    if us > 0 && seconds * 10_f64.powi(decimals as i32) < 0.5 {
        return format!("<{:.decimals$}", 10_f64.powi(-(decimals as i32))).replacen("0.", ".", 1);
    }
    if seconds >= 100.0 { format!("{seconds:.0}") } else { format!("{seconds:.decimals$}") }
}
