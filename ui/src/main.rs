//! Puts the dashboard into the page.

fn main() {
    leptos::mount::mount_to_body(ui::app::App);
}
