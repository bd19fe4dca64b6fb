//! Puts the dashboard into the page.

fn main() {
    // A panic stops the app; the browser's console says where.
    std::panic::set_hook(Box::new(|panic| leptos::logging::error!("{panic}")));
    leptos::mount::mount_to_body(ui::app::App);
}
