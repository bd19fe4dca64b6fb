//! Questions that change how LLMFlow runs: listeners, settings, keys. Leaves out those that only look (`backend`).

use api::{
    ApiError, KeyTest, MadeKey, Providers, Reply, Request, Secret, SettingsView, SourceStatus, SourceTarget,
    Stranded,
};

use super::{Backend, unexpected};

impl Backend {
    pub async fn set_source(self, name: String, to: SourceTarget) -> Result<SourceStatus, ApiError> {
        match self.ask(Request::SetSource { name, to }).await? {
            Reply::Source(source) => Ok(source),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn stranded(self, name: String) -> Result<Vec<Stranded>, ApiError> {
        match self.ask(Request::GetStranded { name }).await? {
            Reply::Stranded(stranded) => Ok(stranded),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn settings(self) -> Result<SettingsView, ApiError> {
        self.ask_settings(Request::GetSettings).await
    }

    /// `None` for the default.
    pub async fn change_setting(self, name: String, value: Option<String>) -> Result<SettingsView, ApiError> {
        self.ask_settings(Request::ChangeSetting { name, value }).await
    }

    async fn ask_settings(self, request: Request) -> Result<SettingsView, ApiError> {
        match self.ask(request).await? {
            Reply::Settings(settings) => Ok(settings),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn providers(self) -> Result<Providers, ApiError> {
        self.ask_providers(Request::GetProviders).await
    }

    pub async fn set_key(self, provider: String, key: Secret) -> Result<Providers, ApiError> {
        self.ask_providers(Request::SetKey { provider, key }).await
    }

    pub async fn remove_key(self, provider: String) -> Result<Providers, ApiError> {
        self.ask_providers(Request::RemoveKey { provider }).await
    }

    pub async fn unlock_keychain(self) -> Result<Providers, ApiError> {
        self.ask_providers(Request::UnlockKeychain).await
    }

    pub async fn add_local_key(self, name: String) -> Result<MadeKey, ApiError> {
        match self.ask(Request::AddLocalKey { name }).await? {
            Reply::LocalKey(made) => Ok(*made),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn remove_local_key(self, name: String) -> Result<Providers, ApiError> {
        self.ask_providers(Request::RemoveLocalKey { name }).await
    }

    async fn ask_providers(self, request: Request) -> Result<Providers, ApiError> {
        match self.ask(request).await? {
            Reply::Providers(providers) => Ok(*providers),
            other => Err(unexpected(&other)),
        }
    }

    /// With `None` the key in use is tried.
    pub async fn test_key(self, provider: String, key: Option<Secret>) -> Result<KeyTest, ApiError> {
        match self.ask(Request::TestKey { provider, key }).await? {
            Reply::KeyTest(test) => Ok(test),
            other => Err(unexpected(&other)),
        }
    }
}
