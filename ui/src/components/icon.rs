//! The icons: 16 by 16, drawn in the text's colour.

use leptos::prelude::*;

/// An icon by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Agent,
    ArrowDown,
    ArrowUp,
    Bars,
    Check,
    Chain,
    CircleCheck,
    ChevronDown,
    ChevronLeft,
    ChevronRight,
    ChevronUp,
    Clock,
    Close,
    Copy,
    Dots,
    Embedding,
    Eye,
    Image,
    Key,
    List,
    Lock,
    Messages,
    Metrics,
    Model,
    Moon,
    Octagon,
    Overview,
    Half,
    Pause,
    Play,
    Plug,
    Plus,
    Power,
    Retrieval,
    Ring,
    Search,
    Sliders,
    Square,
    Struck,
    Sun,
    System,
    Target,
    Thought,
    Tool,
    Traces,
    Triangle,
}

impl Icon {
    const fn paths(self) -> &'static str {
        match self {
            Self::Agent => {
                r#"<rect x="3" y="5" width="10" height="8" rx="2"/><path d="M8 2.4V5M6.2 8.6v.8M9.8 8.6v.8"/>"#
            }
            Self::Chain => {
                r#"<path d="M6.8 9.2a2.4 2.4 0 003.4 0l2-2a2.4 2.4 0 00-3.4-3.4l-.8.8M9.2 6.8a2.4 2.4 0 00-3.4 0l-2 2a2.4 2.4 0 003.4 3.4l.8-.8"/>"#
            }
            Self::ArrowDown => r#"<path d="M8 3v9.5M4 8.8l4 4 4-4"/>"#,
            Self::ArrowUp => r#"<path d="M8 13V3.5M4 7.2L8 3.2l4 4"/>"#,
            Self::Bars => r#"<path d="M2.5 13.5h11M4.5 13V9M8 13V3.5M11.5 13V6.5"/>"#,
            Self::Check => r#"<path d="M3 8.5l3.2 3.2L13 5"/>"#,
            Self::CircleCheck => r#"<circle cx="8" cy="8" r="5.6"/><path d="M5.5 8.2l1.8 1.8 3.3-3.6"/>"#,
            Self::ChevronDown => r#"<path d="M3.5 6L8 10.5 12.5 6"/>"#,
            Self::ChevronLeft => r#"<path d="M10 3.5L5.5 8l4.5 4.5"/>"#,
            Self::ChevronRight => r#"<path d="M6 3.5L10.5 8 6 12.5"/>"#,
            Self::ChevronUp => r#"<path d="M3.5 10L8 5.5 12.5 10"/>"#,
            Self::Clock => r#"<circle cx="8" cy="8" r="5.6"/><path d="M8 4.8V8l2.2 1.6"/>"#,
            Self::Close => r#"<path d="M4 4l8 8M12 4l-8 8"/>"#,
            Self::Copy => {
                r#"<rect x="5.5" y="5.5" width="8" height="8" rx="1.4"/><path d="M3.5 10.5h-1v-8h8v1"/>"#
            }
            Self::Dots => r#"<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.4"/>"#,
            Self::Embedding => {
                r#"<path d="M4 4h.01M8 4h.01M12 4h.01M4 8h.01M8 8h.01M12 8h.01M4 12h.01M8 12h.01M12 12h.01" stroke-width="2.4"/>"#
            }
            Self::Eye => {
                r#"<path d="M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8z"/><circle cx="8" cy="8" r="1.8"/>"#
            }
            Self::Image => {
                r#"<rect x="2.5" y="3" width="11" height="10" rx="1.6"/><path d="M3 11l3-3 2.4 2.4L10.6 8l2.6 2.6"/><path d="M6 6h.01" stroke-width="2"/>"#
            }
            Self::Key => r#"<circle cx="5" cy="11" r="2.5"/><path d="M6.8 9.2L13 3M10.5 5.5l2 2"/>"#,
            Self::List => r#"<path d="M3 3.5h10M3 6.5h7M3 9.5h10M3 12.5h5"/>"#,
            Self::Lock => {
                r#"<rect x="3.5" y="7" width="9" height="6.5" rx="1.4"/><path d="M5.5 7V5a2.5 2.5 0 015 0v2"/>"#
            }
            Self::Messages => {
                r#"<path d="M2.5 3h8v6h-4l-2.5 2V9H2.5z"/><path d="M12.5 6h1v5.5h-1.2v1.8l-2.2-1.8H8"/>"#
            }
            Self::Metrics => r#"<path d="M2.5 2.5v11h11M4.5 10.5l2.6-3.4 2.2 2L13.2 4"/>"#,
            Self::Model => r#"<path d="M8 2.2l1.5 4.3L13.8 8l-4.3 1.5L8 13.8 6.5 9.5 2.2 8l4.3-1.5z"/>"#,
            Self::Moon => r#"<path d="M13 9.6A5.6 5.6 0 016.4 3a5.6 5.6 0 106.6 6.6z"/>"#,
            Self::Octagon => {
                r#"<path d="M5.6 2.4h4.8l3.2 3.2v4.8l-3.2 3.2H5.6l-3.2-3.2V5.6z"/><path d="M8 5.2v3.4M8 10.8h.01"/>"#
            }
            Self::Overview => {
                r#"<path d="M2.5 9.5h4v4h-4zM9.5 6.5h4v7h-4zM2.5 2.5h4v4h-4zM9.5 2.5h4v1.2h-4z"/>"#
            }
            Self::Half => {
                r#"<circle cx="8" cy="8" r="5.2"/><path d="M8 2.8a5.2 5.2 0 010 10.4z" fill="currentColor"/>"#
            }
            Self::Pause => r#"<path d="M5.2 3.5v9M10.8 3.5v9" stroke-width="2"/>"#,
            Self::Play => r#"<path d="M5 3.4v9.2L12.5 8z"/>"#,
            Self::Plug => r#"<path d="M6 2.5v3M10 2.5v3M4 5.5h8v2.2a4 4 0 01-8 0zM8 11.7v2.3"/>"#,
            Self::Plus => r#"<path d="M8 3.5v9M3.5 8h9"/>"#,
            Self::Power => r#"<path d="M8 2.2v5M4.6 4.2a5 5 0 106.8 0"/>"#,
            Self::Retrieval => {
                r#"<path d="M3.5 2.5h6l2.5 2.5v2M3.5 2.5v11h3"/><circle cx="10" cy="10.5" r="2.2"/><path d="M11.7 12.2l1.6 1.6"/>"#
            }
            Self::Ring => r#"<circle cx="8" cy="8" r="4.6"/>"#,
            Self::Search => r#"<circle cx="7" cy="7" r="4.2"/><path d="M10.2 10.2L13.5 13.5"/>"#,
            Self::Sliders => {
                r#"<path d="M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6"/><circle cx="10" cy="4.5" r="1.5"/><circle cx="6" cy="11.5" r="1.5"/>"#
            }
            Self::Square => r#"<rect x="3.5" y="3.5" width="9" height="9" rx="1.5"/>"#,
            Self::Struck => r#"<circle cx="8" cy="8" r="5.6"/><path d="M4.2 11.8l7.6-7.6"/>"#,
            Self::Sun => {
                r#"<circle cx="8" cy="8" r="2.8"/><path d="M8 1.8v1.6M8 12.6v1.6M1.8 8h1.6M12.6 8h1.6M3.6 3.6l1.2 1.2M11.2 11.2l1.2 1.2M12.4 3.6l-1.2 1.2M4.8 11.2l-1.2 1.2"/>"#
            }
            Self::System => {
                r#"<rect x="2.5" y="3" width="11" height="10" rx="1.6"/><path d="M2.5 6h11M5 9h4"/>"#
            }
            Self::Target => {
                r#"<circle cx="8" cy="8" r="5"/><circle cx="8" cy="8" r="1.4" fill="currentColor"/>"#
            }
            Self::Thought => {
                r#"<path d="M3 6.5a3.5 3.5 0 013.5-3.5h3A3.5 3.5 0 0113 6.5 3.5 3.5 0 019.5 10H8l-3 3v-3.2A3.5 3.5 0 013 6.5z"/>"#
            }
            Self::Tool => r#"<path d="M4.5 5.5L2.5 8l2 2.5M11.5 5.5l2 2.5-2 2.5M9.2 3.5l-2.4 9"/>"#,
            Self::Traces => r#"<path d="M3 3h5M3 3v10M3 8h4M3 13h4M9.5 8H13M9.5 13H13M10.5 3H13"/>"#,
            Self::Triangle => r#"<path d="M8 2.5l6 10.6H2z"/><path d="M8 6.6v2.8M8 11.3h.01"/>"#,
        }
    }
}

/// Draws an icon; `small` ones are 12 pixels wide instead of 14.
#[component]
pub fn Glyph(#[prop(into)] icon: Signal<Icon>, #[prop(optional)] small: bool) -> impl IntoView {
    let class = if small { "i s" } else { "i" };
    view! { <svg class=class viewBox="0 0 16 16" aria-hidden="true" inner_html=move || icon.get().paths()></svg> }
}

/// The app's mark.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg viewBox="0 0 20 20" fill="none" aria-hidden="true">
            <path d="M2.5 5.5c5 0 4.5 9 9.5 9h5.5" stroke="var(--accent)" stroke-width="2.2" stroke-linecap="round" />
            <path
                d="M2.5 14.5c2.2 0 3.3-1.4 4.2-3.1M10.4 7.2c.6-1 1.4-1.7 2.6-1.7h4.5"
                stroke="var(--text)" stroke-width="2.2" stroke-linecap="round"
            />
        </svg>
    }
}
