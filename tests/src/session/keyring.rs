//! A real Secret Service in the session: GNOME's keyring with a password known to the test.
//! Leaves out prompts: nobody is there to answer one.

use std::collections::HashMap;
use std::process::Command;

use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

use super::Session;
use crate::wait::wait_until;

/// The name by which every keychain of a Linux desktop is known.
pub const SECRETS: &str = "org.freedesktop.secrets";
const SERVICE: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

impl Session {
    /// A session with an unlocked keyring.
    pub async fn with_keyring(password: &str) -> Self {
        let mut session = Self::start().await;
        let mut keyring = Command::new("gnome-keyring-daemon");
        keyring.args(["--foreground", "--unlock", "--components=secrets"]);
        session.spawn(keyring, "keyring", "gnome-keyring", Some(password));
        wait_until("the keyring to be unlocked", async || {
            (session.has(SECRETS).await && session.keyring_locked().await == Some(false)).then_some(())
        })
        .await;
        session
    }

    /// Whether the keyring is locked; `None` while there is none.
    pub async fn keyring_locked(&self) -> Option<bool> {
        let connection = self.connect().await;
        let collection = proxy(&connection, COLLECTION, "org.freedesktop.Secret.Collection").await;
        collection.get_property("Locked").await.ok()
    }

    /// Locks the keyring, as an idle desktop does.
    pub async fn lock_keyring(&self) {
        let connection = self.connect().await;
        let service = proxy(&connection, SERVICE, "org.freedesktop.Secret.Service").await;
        let collections = vec![ObjectPath::try_from(COLLECTION).unwrap()];
        let _locked: (Vec<OwnedObjectPath>, OwnedObjectPath) =
            service.call("Lock", &(collections,)).await.unwrap();
        wait_until("the keyring to be locked", async || {
            (self.keyring_locked().await == Some(true)).then_some(())
        })
        .await;
    }

    /// Unlocks the keyring, as its prompt would once somebody typed the password.
    pub async fn unlock_keyring(&self, password: &str) {
        let connection = self.connect().await;
        let service = proxy(&connection, SERVICE, "org.freedesktop.Secret.Service").await;
        let (_, session): (OwnedValue, OwnedObjectPath) =
            service.call("OpenSession", &("plain", Value::from(""))).await.unwrap();
        let interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
        let door = proxy(&connection, SERVICE, interface).await;
        let secret = (session, Vec::<u8>::new(), password.as_bytes(), "text/plain");
        let collection = ObjectPath::try_from(COLLECTION).unwrap();
        door.call::<_, _, ()>("UnlockWithMasterPassword", &(collection, secret)).await.unwrap();
        assert_eq!(self.keyring_locked().await, Some(false), "the password is right");
    }

    /// How many items with these attributes the keyring holds, locked or not.
    pub async fn keyring_items(&self, attributes: &[(&str, &str)]) -> usize {
        let connection = self.connect().await;
        let service = proxy(&connection, SERVICE, "org.freedesktop.Secret.Service").await;
        let attributes: HashMap<&str, &str> = attributes.iter().copied().collect();
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            service.call("SearchItems", &(attributes,)).await.unwrap();
        unlocked.len() + locked.len()
    }
}

async fn proxy<'a>(connection: &'a Connection, path: &'a str, interface: &'a str) -> Proxy<'a> {
    Proxy::new(connection, SECRETS, path, interface).await.unwrap()
}
