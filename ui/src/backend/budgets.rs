//! The questions about budgets and loops.

use api::{ApiError, Budget, Budgets, CallId, Reply, Request};

use super::{Backend, unexpected};

impl Backend {
    pub async fn budgets(self) -> Result<Budgets, ApiError> {
        self.ask_budgets(Request::GetBudgets).await
    }

    /// In the place of the one called `replaces`, or a new one.
    pub async fn set_budget(self, budget: Budget, replaces: Option<String>) -> Result<Budgets, ApiError> {
        self.ask_budgets(Request::SetBudget { budget, replaces }).await
    }

    pub async fn remove_budget(self, name: String) -> Result<Budgets, ApiError> {
        self.ask_budgets(Request::RemoveBudget { name }).await
    }

    /// Lets the session go on whose loop ended with this call.
    pub async fn dismiss_loop(self, last: CallId) -> Result<Budgets, ApiError> {
        self.ask_budgets(Request::DismissLoop { last }).await
    }

    async fn ask_budgets(self, request: Request) -> Result<Budgets, ApiError> {
        match self.ask(request).await? {
            Reply::Budgets(all) => Ok(*all),
            other => Err(unexpected(&other)),
        }
    }
}
