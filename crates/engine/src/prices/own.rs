//! The user's own prices in a file of the data folder: read at the start, changed from the page and the command line.
//! Leaves out what may stand in it (`model::pricing`).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use api::{PriceOrigin, PriceRate};
use model::pricing::{OwnPrice, per_unit, write_own};

use super::{Shelf, lock};

const FILE: &str = "prices.json";
/// Nothing larger is read.
const LARGEST: u64 = 16 << 20;

/// Where the file lies.
pub(super) fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// The prices in the file. An error says what is wrong with it.
pub(super) fn load(path: &Path) -> Result<Vec<OwnPrice>, String> {
    let size = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    if size > LARGEST {
        return Err(format!("it is larger than {} MB", LARGEST >> 20));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    model::pricing::parse_own(&text)
}

fn save(path: &Path, prices: &[OwnPrice]) -> std::io::Result<()> {
    let fresh = path.with_extension("json.new");
    let mut file = crate::folder::open_private(&fresh)?;
    file.set_len(0)?;
    file.write_all(write_own(prices).as_bytes())?;
    file.sync_all()?;
    fs::rename(fresh, path)
}

/// As pages show it.
pub(super) fn shown(price: &OwnPrice) -> api::OwnPrice {
    let mut prices = model::pricing::Prices::default();
    prices.set_own(vec![OwnPrice { valid_from: None, ..price.clone() }]);
    let found = prices.find("", &price.model, 0).filter(|found| found.origin == PriceOrigin::Own);
    api::OwnPrice {
        model: price.model.clone(),
        valid_from: price.valid_from.clone(),
        note: price.note.clone(),
        rates: found.map(|found| found.rates()).unwrap_or_default(),
    }
}

/// As the file keeps it. An error says what is wrong.
fn kept(price: api::OwnPrice) -> Result<OwnPrice, String> {
    let blank =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let one = |PriceRate { name, each, of_tokens }: PriceRate| {
        let each = each.trim().to_owned();
        let text = if of_tokens { per_unit(&each) } else { Some(each.clone()) };
        let wanted = || format!("{name} is {each:?}, and must be dollars, such as 2.50");
        Ok((name.clone(), text.ok_or_else(wanted)?))
    };
    let price = OwnPrice {
        model: price.model.trim().to_owned(),
        valid_from: blank(price.valid_from),
        note: blank(price.note),
        rates: price.rates.into_iter().map(one).collect::<Result<_, String>>()?,
    };
    price.check()?;
    Ok(price)
}

/// Why own prices were not changed.
pub(crate) enum NotChanged {
    /// What was asked for makes no sense.
    Wrong(String),
    /// There is no such price.
    Missing,
    /// The file cannot be read or written.
    File(String),
}

impl Shelf {
    /// Sets an own price in the place of the one of the same model and day.
    pub(crate) async fn set_own(&self, price: api::OwnPrice) -> Result<(), NotChanged> {
        let price = kept(price).map_err(NotChanged::Wrong)?;
        self.change_own(|prices| {
            prices.retain(|one| !is_same(one, &price.model, price.valid_from.as_deref()));
            prices.push(price);
            true
        })
        .await
    }

    /// Removes an own price.
    pub(crate) async fn remove_own(&self, model: &str, valid_from: Option<&str>) -> Result<(), NotChanged> {
        self.change_own(|prices| {
            let before = prices.len();
            prices.retain(|one| !is_same(one, model, valid_from));
            prices.len() < before
        })
        .await
    }

    async fn change_own(&self, change: impl FnOnce(&mut Vec<OwnPrice>) -> bool) -> Result<(), NotChanged> {
        let _turn = self.inner.changing.lock().await;
        let path = &self.inner.own_file;
        // As the file is now: somebody may have changed it by hand.
        let unreadable = |reason| {
            NotChanged::File(format!(
                "{} cannot be used: {reason}. Mend it by hand, or move it away.",
                path.display()
            ))
        };
        let mut own = load(path).map_err(unreadable)?;
        if !change(&mut own) {
            return Err(NotChanged::Missing);
        }
        own.sort_by(|a, b| (&a.model, &a.valid_from).cmp(&(&b.model, &b.valid_from)));
        save(path, &own).map_err(|error| {
            NotChanged::File(format!(
                "{} cannot be written: {error}. Check its owner and free space.",
                path.display()
            ))
        })?;
        self.change(|prices| prices.set_own(own));
        *lock(&self.inner.trouble) = None;
        Ok(())
    }
}

fn is_same(price: &OwnPrice, model: &str, valid_from: Option<&str>) -> bool {
    price.model.eq_ignore_ascii_case(model) && price.valid_from.as_deref() == valid_from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_survive_in_their_file_and_a_broken_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        assert_eq!(load(&path), Ok(Vec::new()));
        let rate = PriceRate { name: "input_cost_per_token".into(), each: "2.5".into(), of_tokens: true };
        let price =
            api::OwnPrice { model: " corp/m ".into(), rates: vec![rate.clone()], ..Default::default() };
        let price = kept(price).unwrap();
        save(&path, std::slice::from_ref(&price)).unwrap();
        assert_eq!(load(&path).unwrap(), std::slice::from_ref(&price));
        assert_eq!((shown(&price).model.as_str(), shown(&price).rates), ("corp/m", vec![rate]));
        fs::write(&path, "{").unwrap();
        assert!(load(&path).unwrap_err().contains("no JSON object"));
        let wrong = PriceRate { each: "cheap".into(), ..shown(&price).rates[0].clone() };
        let wrong = api::OwnPrice { model: "m".into(), rates: vec![wrong], ..Default::default() };
        assert!(kept(wrong).unwrap_err().contains("must be dollars"));
    }
}
