//! The keychain of macOS and the credential manager of Windows, through `keyring`.

use std::collections::BTreeMap;

use keyring::{Entry, Error};
use proxy::{Provider, Providers};
use zeroize::Zeroizing;

use super::{Answer, Ask, Contents, SERVICE, Trouble, label};

/// Does as asked. The system itself asks its user where it wants to.
pub(super) fn run(providers: &Providers, ask: Ask) -> Answer {
    match ask {
        Ask::Load | Ask::Unlock => {}
        Ask::Set(provider, key) => {
            tracing::debug!(label = label(&provider), "a key goes into the keychain");
            entry(&provider)?.set_password(&key).map_err(|error| trouble(&error))?;
        }
        Ask::Remove(provider) => match entry(&provider)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => {}
            Err(error) => return Err(trouble(&error)),
        },
    }
    load(providers)
}

fn load(providers: &Providers) -> Answer {
    let mut keys = BTreeMap::new();
    for provider in providers.iter() {
        match entry(provider)?.get_password() {
            Ok(key) => _ = keys.insert(provider.name.clone(), Zeroizing::new(key)),
            Err(Error::NoEntry) => {}
            Err(Error::NoStorageAccess(_)) => return Ok(Contents { locked: true, keys }),
            Err(error) => return Err(trouble(&error)),
        }
    }
    Ok(Contents { locked: false, keys })
}

fn entry(provider: &Provider) -> Result<Entry, Trouble> {
    Entry::new(SERVICE, &provider.name).map_err(|error| trouble(&error))
}

fn trouble(error: &Error) -> Trouble {
    match error {
        Error::NoStorageAccess(_) => Trouble::Locked,
        Error::NoDefaultStore => Trouble::Absent(
            "The system's keychain cannot be opened. Set the providers' keys as environment variables \
             (OPENAI_API_KEY, …)."
                .to_owned(),
        ),
        // Some errors carry the secret itself: only the kind is told.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            Trouble::Failed("it holds something that is not text".to_owned())
        }
        error => Trouble::Failed(error.to_string()),
    }
}
