//! The questions about what is stored: what takes space, and deleting.

use api::{ApiError, Erase, Erased, Reply, Request, Storage};

use super::{Backend, unexpected};

impl Backend {
    pub async fn storage(self) -> Result<Storage, ApiError> {
        match self.ask(Request::GetStorage).await? {
            Reply::Storage(storage) => Ok(*storage),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn count_erase(self, what: Erase) -> Result<Erased, ApiError> {
        self.ask_erased(Request::CountErase { what }).await
    }

    pub async fn erase(self, what: Erase) -> Result<Erased, ApiError> {
        self.ask_erased(Request::Erase { what }).await
    }

    async fn ask_erased(self, request: Request) -> Result<Erased, ApiError> {
        match self.ask(request).await? {
            Reply::Erased(erased) => Ok(erased),
            other => Err(unexpected(&other)),
        }
    }
}
