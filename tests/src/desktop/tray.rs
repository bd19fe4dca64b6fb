//! A tray: it takes the items that programs register, reads their menus and clicks their entries, over D-Bus as a
//! panel does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

use crate::wait::wait_until;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const MENU: &str = "com.canonical.dbusmenu";

type Items = Arc<Mutex<Vec<(String, String)>>>;

/// The tray, and the item of the one program that uses it.
#[derive(Debug)]
pub struct Tray {
    connection: Connection,
    items: Items,
}

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says; empty for a line.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it has a check mark that is set.
    pub checked: bool,
    /// The entries below it.
    pub children: Vec<Entry>,
    id: i32,
}

struct Watcher(Items);

#[interface(name = "org.kde.StatusNotifierWatcher")]
#[expect(
    clippy::unused_self,
    clippy::needless_pass_by_value,
    reason = "the shapes that an interface on the bus takes"
)]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // Some say where their item is, some who they are.
        let item = if service.starts_with('/') {
            (sender, service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        self.0.lock().unwrap().push(item);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(service, path)| format!("{service}{path}")).collect()
    }
}

impl Tray {
    pub(super) async fn start(connection: Connection) -> Self {
        let items = Items::default();
        connection.object_server().at("/StatusNotifierWatcher", Watcher(items.clone())).await.unwrap();
        connection.request_name(WATCHER).await.unwrap();
        Self { connection, items }
    }

    /// How many items were registered so far.
    pub fn items(&self) -> usize {
        self.items.lock().unwrap().len()
    }

    async fn item(&self) -> (String, String) {
        wait_until("an item in the tray", async || self.items.lock().unwrap().last().cloned()).await
    }

    /// The name of the item's picture: a file, or of a theme.
    pub async fn icon(&self) -> String {
        let (service, path) = self.item().await;
        let item = Proxy::new(&self.connection, service, path, "org.kde.StatusNotifierItem").await.unwrap();
        item.get_property("IconName").await.unwrap()
    }

    async fn menu_proxy(&self) -> Option<Proxy<'static>> {
        let (service, path) = self.item().await;
        let item =
            Proxy::new(&self.connection, service.clone(), path, "org.kde.StatusNotifierItem").await.ok()?;
        let menu: OwnedObjectPath = item.get_property("Menu").await.ok()?;
        Proxy::new(&self.connection, service, menu, MENU).await.ok()
    }

    /// The entries as they are now; none while the menu is being made.
    pub async fn entries(&self) -> Vec<Entry> {
        self.layout().await.unwrap_or_default()
    }

    async fn layout(&self) -> Option<Vec<Entry>> {
        type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
        let menu = self.menu_proxy().await?;
        let (_revision, root): (u32, Node) =
            menu.call("GetLayout", &(0_i32, -1_i32, Vec::<String>::new())).await.ok()?;
        Some(root.2.into_iter().filter_map(|child| entry(Value::from(child))).collect())
    }

    /// Waits for an entry whose label begins with `label`, wherever it is.
    pub async fn entry(&self, label: &str) -> Entry {
        wait_until(&format!("an entry {label:?} in the tray"), async || find(&self.entries().await, &[label]))
            .await
    }

    /// Clicks the entry that labels lead to, each the beginning of one level's; it has to be one that can be clicked.
    pub async fn click(&self, labels: &[&str]) {
        let entry = wait_until(&format!("the entry {labels:?} in the tray"), async || {
            find(&self.entries().await, labels).filter(|entry| entry.enabled)
        })
        .await;
        let menu = self.menu_proxy().await.expect("the menu is there, its entry was");
        let () = menu.call("Event", &(entry.id, "clicked", Value::from(0_i32), 0_u32)).await.unwrap();
    }
}

fn find(entries: &[Entry], labels: &[&str]) -> Option<Entry> {
    let (label, below) = labels.split_first()?;
    let found = entries.iter().find(|entry| entry.label.starts_with(label));
    match found {
        Some(found) if below.is_empty() => Some(found.clone()),
        Some(found) => find(&found.children, below),
        None => entries.iter().find_map(|entry| find(&entry.children, labels)),
    }
}

/// From `(ia{sv}av)`; `None` for what is not shown.
fn entry(value: Value<'_>) -> Option<Entry> {
    let Value::Structure(node) = value else { return None };
    let mut fields = node.into_fields().into_iter();
    let id = i32::try_from(fields.next()?).ok()?;
    let properties: HashMap<String, OwnedValue> = fields.next()?.try_into().ok()?;
    let children: Vec<OwnedValue> = fields.next()?.try_into().ok()?;
    let flag = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
    let label = properties.get("label").and_then(|label| <&str>::try_from(label).ok()).unwrap_or_default();
    let checked = properties.get("toggle-state").and_then(|state| i32::try_from(state).ok()) == Some(1);
    flag("visible").unwrap_or(true).then(|| Entry {
        // An underscore marks a key to press.
        label: label.replace("__", "\u{0}").replace('_', "").replace('\u{0}', "_"),
        enabled: flag("enabled").unwrap_or(true),
        checked,
        children: children.into_iter().filter_map(|child| entry(Value::from(child))).collect(),
        id,
    })
}
