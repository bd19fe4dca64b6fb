//! The Secret Service of a Linux desktop (GNOME Keyring, KWallet, KeePassXC), over D-Bus.
//!
//! Not through `keyring` as on other systems: that asks the user to unlock whenever it looks something up.

use std::collections::{BTreeMap, HashMap};

use proxy::Provider;
use secret_service::blocking::{Collection, Item, SecretService};
use secret_service::{EncryptionType, Error};
use zeroize::Zeroizing;

use super::{Answer, Ask, Contents, SERVICE, Trouble, label};

const PROVIDER: &str = "username";

/// Does as asked, on a new connection: the service may have been started anew since the last time.
pub(super) fn run(ask: Ask) -> Answer {
    let service = SecretService::connect(EncryptionType::Dh).map_err(|error| absent(&error))?;
    match ask {
        Ask::Load => {}
        Ask::Unlock => unlock(&service)?,
        Ask::Set(provider, key) => set(&service, provider, &key)?,
        Ask::Remove(provider) => remove(&service, provider)?,
    }
    load(&service)
}

fn load(service: &SecretService<'_>) -> Answer {
    let found =
        service.search_items(HashMap::from([("service", SERVICE)])).map_err(|error| trouble(&error))?;
    let mut keys = BTreeMap::new();
    for item in &found.unlocked {
        if let Some((provider, key)) = read(item).map_err(|error| trouble(&error))? {
            keys.insert(provider, key);
        }
    }
    let closed = default_collection(service)?.map_or(Ok(false), |collection| collection.is_locked());
    let locked = !found.locked.is_empty() || closed.map_err(|error| trouble(&error))?;
    Ok(Contents { locked, keys })
}

/// An item that is not ours, or that vanishes meanwhile, is none.
fn read(item: &Item<'_>) -> Result<Option<(String, Zeroizing<String>)>, Error> {
    let Some(provider) = item.get_attributes()?.remove(PROVIDER) else { return Ok(None) };
    let secret = Zeroizing::new(item.get_secret()?);
    Ok(std::str::from_utf8(&secret).ok().map(|key| (provider, Zeroizing::new(key.to_owned()))))
}

fn unlock(service: &SecretService<'_>) -> Result<(), Trouble> {
    if let Some(collection) = default_collection(service)? {
        open(&collection)?;
    }
    let found =
        service.search_items(HashMap::from([("service", SERVICE)])).map_err(|error| trouble(&error))?;
    let locked: Vec<&Item<'_>> = found.locked.iter().collect();
    if locked.is_empty() { Ok(()) } else { service.unlock_all(&locked).map_err(|error| trouble(&error)) }
}

/// Asks the user unless it is open.
fn open(collection: &Collection<'_>) -> Result<(), Trouble> {
    match collection.is_locked().map_err(|error| trouble(&error))? {
        true => collection.unlock().map_err(|error| trouble(&error)),
        false => Ok(()),
    }
}

fn set(service: &SecretService<'_>, provider: &Provider, key: &str) -> Result<(), Trouble> {
    let collection = match default_collection(service)? {
        Some(collection) => collection,
        // The user chooses its password.
        None => service.create_collection("Default", "default").map_err(|error| trouble(&error))?,
    };
    if collection.is_locked().map_err(|error| trouble(&error))? {
        return Err(Trouble::Locked);
    }
    let attributes = HashMap::from([("service", SERVICE), (PROVIDER, provider.name)]);
    let kept = collection.create_item(&label(provider), attributes, key.as_bytes(), true, "text/plain");
    kept.map(drop).map_err(|error| trouble(&error))
}

fn remove(service: &SecretService<'_>, provider: &Provider) -> Result<(), Trouble> {
    let attributes = HashMap::from([("service", SERVICE), (PROVIDER, provider.name)]);
    let found = service.search_items(attributes).map_err(|error| trouble(&error))?;
    if !found.locked.is_empty() {
        return Err(Trouble::Locked);
    }
    found.unlocked.iter().try_for_each(|item| item.delete().map_err(|error| trouble(&error)))
}

/// `None` on a desktop where nobody has kept a secret yet.
fn default_collection<'a>(service: &'a SecretService<'_>) -> Result<Option<Collection<'a>>, Trouble> {
    match service.get_default_collection() {
        Ok(collection) => Ok(Some(collection)),
        Err(Error::NoResult) => Ok(None),
        Err(error) => Err(trouble(&error)),
    }
}

fn absent(error: &Error) -> Trouble {
    tracing::debug!(%error, "no secret service");
    Trouble::Absent(
        "This session has no keychain. Install gnome-keyring, KWallet or KeePassXC and sign in again, or set the \
         providers' keys as environment variables (OPENAI_API_KEY, …)."
            .to_owned(),
    )
}

fn trouble(error: &Error) -> Trouble {
    match error {
        Error::Locked => Trouble::Locked,
        Error::Prompt => Trouble::Declined,
        Error::Unavailable => absent(error),
        error => Trouble::Failed(error.to_string()),
    }
}
