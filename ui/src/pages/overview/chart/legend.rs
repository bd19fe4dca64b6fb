//! The groups beside the bars, each with its sum and its share.

use leptos::prelude::*;

use super::stacks::{Stack, Stacks};
use crate::format::{percent, short};
use crate::provenance::{SumText, of_sum, sum_text};

/// The legend.
#[component]
pub fn Legend(stacks: Memo<Option<Stacks>>) -> impl IntoView {
    let rows = move || {
        stacks.with(|stacks| {
            let stacks = stacks.as_ref()?;
            let rows = stacks.stacks.iter().map(|stack| row(stacks, stack)).collect_view();
            let note = stacks.overlap().then(|| {
                view! {
                    <div class="tr dense t3 s11">"A call counts under each of its tags."</div>
                }
            });
            Some(view! { {rows}{note} })
        })
    };
    view! { <div class="leg tbl" data-testid="chart-legend">{rows}</div> }
}

fn row(stacks: &Stacks, stack: &Stack) -> impl IntoView + use<> {
    let when = format!("of {} in {}", stack.name, stacks.view.range.label());
    let title = of_sum(&stack.total, &when, "");
    let share = percent(stack.total.cost.pico().unsigned_abs(), stacks.total.cost.pico().unsigned_abs());
    let (sum, share) = match sum_text(&stack.total) {
        SumText::Amount { text, .. } => (view! { <span class="num r m">{text}</span> }.into_any(), share),
        SumText::Unknown => (
            view! { <span class="num r"><span class="unknown">"unknown"</span></span> }.into_any(),
            format!("× {}", short(stack.total.calls)),
        ),
        SumText::Local => (
            view! { <span class="num r t3">"local"</span> }.into_any(),
            format!("× {}", short(stack.total.calls)),
        ),
    };
    let name = view! { <span class="md" style=format!("--c:{}", stack.colour)><span class="cut">{stack.name.clone()}</span></span> };
    let cells = view! { {name}{sum}<span class="num r t3">{share}</span> };
    match &stack.of {
        Some(of) => {
            let href = stacks.calls(Some(of), None);
            view! { <a class="tr dense" href=href title=title data-testid="legend-row">{cells}</a> }
                .into_any()
        }
        None => view! { <div class="tr dense" title=title data-testid="legend-row">{cells}</div> }.into_any(),
    }
}
