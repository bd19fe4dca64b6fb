//! Looking at an X screen as a window manager and as another program would: windows, and the clipboard.

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, WindowClass,
};
use x11rb::rust_connection::RustConnection;

const ANY: u32 = 0;

/// A window as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What stands on it.
    pub title: String,
    /// Its size.
    pub size: (u16, u16),
    id: u32,
}

fn connect(display: &str) -> (RustConnection, u32) {
    let (connection, screen) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    (connection, root)
}

fn atom(connection: &RustConnection, name: &str) -> u32 {
    connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
}

fn property(connection: &RustConnection, window: u32, name: &str) -> Option<Vec<u8>> {
    let name = atom(connection, name);
    let reply = connection.get_property(false, window, name, ANY, 0, 1 << 20).ok()?.reply().ok()?;
    (reply.type_ != ANY).then_some(reply.value)
}

pub(super) fn has_manager(display: &str) -> bool {
    let (connection, root) = connect(display);
    property(&connection, root, "_NET_SUPPORTING_WM_CHECK").is_some()
}

pub(super) fn windows(display: &str) -> Vec<Window> {
    let (connection, root) = connect(display);
    let list = property(&connection, root, "_NET_CLIENT_LIST").unwrap_or_default();
    let ids = list.chunks_exact(4).map(|id| u32::from_ne_bytes([id[0], id[1], id[2], id[3]]));
    // One that closes meanwhile is left out.
    ids.filter_map(|id| {
        let title = property(&connection, id, "_NET_WM_NAME")?;
        let place = connection.get_geometry(id).ok()?.reply().ok()?;
        let title = String::from_utf8_lossy(&title).into_owned();
        Some(Window { title, size: (place.width, place.height), id })
    })
    .collect()
}

pub(super) fn close(display: &str, window: &Window) {
    let (connection, root) = connect(display);
    let message =
        ClientMessageEvent::new(32, window.id, atom(&connection, "_NET_CLOSE_WINDOW"), [0, 2, 0, 0, 0]);
    let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    connection.send_event(false, root, mask, message).unwrap().check().unwrap();
}

pub(super) fn place(display: &str, window: &Window, [x, y]: [i32; 2], [width, height]: [u32; 2]) {
    let (connection, _) = connect(display);
    let place = ConfigureWindowAux::new().x(x).y(y).width(width).height(height);
    connection.configure_window(window.id, &place).unwrap().check().unwrap();
}

/// Asks whoever owns the clipboard for its text, and waits for the answer.
pub(super) fn clipboard(display: &str) -> Option<String> {
    let (connection, root) = connect(display);
    let asker = connection.generate_id().unwrap();
    let plain = CreateWindowAux::new();
    connection
        .create_window(0, asker, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &plain)
        .unwrap()
        .check()
        .unwrap();
    let (selection, kind) = (atom(&connection, "CLIPBOARD"), atom(&connection, "UTF8_STRING"));
    let answer = u32::from(AtomEnum::PRIMARY);
    connection
        .convert_selection(asker, selection, kind, answer, x11rb::CURRENT_TIME)
        .unwrap()
        .check()
        .unwrap();
    loop {
        if let Event::SelectionNotify(told) = connection.wait_for_event().unwrap() {
            if told.property == ANY {
                return None;
            }
            let text =
                connection.get_property(true, asker, answer, ANY, 0, 1 << 20).unwrap().reply().unwrap();
            return Some(String::from_utf8_lossy(&text.value).into_owned());
        }
    }
}
