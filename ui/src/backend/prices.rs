//! Questions about models and prices.

use api::{
    ApiError, Models, OwnPrice, PriceRefresh, PriceTables, PricesPage, Reply, RepriceScope, Repricing,
    Request,
};

use super::{Backend, unexpected};

impl Backend {
    pub async fn models(self, from_ms: Option<i64>) -> Result<Models, ApiError> {
        match self.ask(Request::GetModels { from_ms }).await? {
            Reply::Models(models) => Ok(*models),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn find_prices(self, text: String, limit: u32) -> Result<PricesPage, ApiError> {
        match self.ask(Request::FindPrices { text, limit, offset: 0 }).await? {
            Reply::Prices(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn set_price(self, price: OwnPrice) -> Result<PriceTables, ApiError> {
        self.ask_tables(Request::SetPrice { price }).await
    }

    pub async fn remove_price(
        self,
        model: String,
        valid_from: Option<String>,
    ) -> Result<PriceTables, ApiError> {
        self.ask_tables(Request::RemovePrice { model, valid_from }).await
    }

    async fn ask_tables(self, request: Request) -> Result<PriceTables, ApiError> {
        match self.ask(request).await? {
            Reply::PriceTables(tables) => Ok(*tables),
            other => Err(unexpected(&other)),
        }
    }

    /// From the address in the settings.
    pub async fn refresh_prices(self) -> Result<PriceRefresh, ApiError> {
        let request = Request::RefreshPrices { from: None, valid_from: None, dry_run: false };
        match self.ask(request).await? {
            Reply::PriceRefresh(refresh) => Ok(*refresh),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn reprice(self, scope: RepriceScope, dry_run: bool) -> Result<Repricing, ApiError> {
        match self.ask(Request::Reprice { scope, dry_run, by: "dashboard".to_owned() }).await? {
            Reply::Repricing(run) => Ok(*run),
            other => Err(unexpected(&other)),
        }
    }
}
