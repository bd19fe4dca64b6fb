//! The Secret Service of a Linux desktop (GNOME Keyring, KWallet, KeePassXC), over D-Bus.
//!
//! Not through `keyring` as on other systems: that asks the user to unlock whenever it looks something up.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proxy::{Provider, Providers};
use secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use super::{Answer, Ask, Contents, SERVICE, Trouble, label};

const PROVIDER: &str = "username";
/// A service that has not answered by then never will; the next question may find another one.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Does as asked. The runtime ends with the question: between two of them nothing runs.
pub(super) fn run(_: &Providers, ask: Ask) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::Failed(error.to_string()))?;
    runtime.block_on(async {
        match ask {
            // People take the time they need.
            Ask::Unlock => answer(ask).await,
            Ask::Load | Ask::Set(..) | Ask::Remove(_) => {
                tokio::time::timeout(GIVE_UP, answer(ask)).await.unwrap_or(Err(Trouble::Silent))
            }
        }
    })
}

/// On a new connection: the service may have been started anew since the last time.
async fn answer(ask: Ask) -> Answer {
    let service = SecretService::connect(EncryptionType::Dh).await.map_err(|error| absent(&error))?;
    match ask {
        Ask::Load => {}
        Ask::Unlock => unlock(&service).await?,
        Ask::Set(provider, key) => set(&service, &provider, &key).await?,
        Ask::Remove(provider) => remove(&service, &provider).await?,
    }
    load(&service).await
}

async fn load(service: &SecretService<'_>) -> Answer {
    let found = service.search_items(HashMap::from([("service", SERVICE)])).await?;
    let mut keys = BTreeMap::new();
    for item in &found.unlocked {
        if let Some((provider, key)) = read(item).await? {
            keys.insert(provider, key);
        }
    }
    let closed = match default_collection(service).await? {
        Some(collection) => collection.is_locked().await?,
        None => false,
    };
    Ok(Contents { locked: closed || !found.locked.is_empty(), keys })
}

/// An item without a provider's name, or that is not text, is not ours.
async fn read(item: &Item<'_>) -> Result<Option<(String, Zeroizing<String>)>, Error> {
    let Some(provider) = item.get_attributes().await?.remove(PROVIDER) else { return Ok(None) };
    let secret = Zeroizing::new(item.get_secret().await?);
    Ok(std::str::from_utf8(&secret).ok().map(|key| (provider, Zeroizing::new(key.to_owned()))))
}

async fn unlock(service: &SecretService<'_>) -> Result<(), Trouble> {
    if let Some(collection) = default_collection(service).await?
        && collection.is_locked().await?
    {
        collection.unlock().await?;
    }
    let found = service.search_items(HashMap::from([("service", SERVICE)])).await?;
    let locked: Vec<&Item<'_>> = found.locked.iter().collect();
    if !locked.is_empty() {
        service.unlock_all(&locked).await?;
    }
    Ok(())
}

async fn set(service: &SecretService<'_>, provider: &Provider, key: &str) -> Result<(), Trouble> {
    let collection = match default_collection(service).await? {
        Some(collection) => collection,
        // The user chooses its password.
        None => service.create_collection("Default", "default").await?,
    };
    if collection.is_locked().await? {
        return Err(Trouble::Locked);
    }
    let attributes = HashMap::from([("service", SERVICE), (PROVIDER, provider.name.as_str())]);
    collection.create_item(&label(provider), attributes, key.as_bytes(), true, "text/plain").await?;
    Ok(())
}

async fn remove(service: &SecretService<'_>, provider: &Provider) -> Result<(), Trouble> {
    let attributes = HashMap::from([("service", SERVICE), (PROVIDER, provider.name.as_str())]);
    let found = service.search_items(attributes).await?;
    if !found.locked.is_empty() {
        return Err(Trouble::Locked);
    }
    for item in &found.unlocked {
        item.delete().await?;
    }
    Ok(())
}

/// `None` on a desktop where nobody has kept a secret yet.
async fn default_collection<'a>(service: &'a SecretService<'_>) -> Result<Option<Collection<'a>>, Trouble> {
    match service.get_default_collection().await {
        Ok(collection) => Ok(Some(collection)),
        Err(Error::NoResult) => Ok(None),
        Err(error) => Err(error.into()),
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

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Locked => Self::Locked,
            Error::Prompt => Self::Declined,
            Error::Unavailable => absent(&error),
            error => Self::Failed(error.to_string()),
        }
    }
}
