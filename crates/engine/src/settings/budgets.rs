//! Budgets in the settings file: their form there, what may stand in one, and writing one so that the rest of the file
//! stays as its owner wrote it. Leaves out what they mean (`engine/budgets`).

use api::{Budget, BudgetOf, BudgetPer, BudgetThen, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError, value};

use super::SettingsError;

/// Budgets that can be set.
const MOST: usize = 100;
/// Bytes of a name.
const LONGEST: usize = 100;
/// The key of the list.
const BUDGETS: &str = "budgets";

/// One `[[budgets]]` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSettings {
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub of: BudgetOf,
    /// The one session, project or tag.
    pub only: String,
    /// For how long it has to do.
    pub per: BudgetPer,
    /// Dollars.
    #[serde(
        deserialize_with = "dollars",
        serialize_with = "decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub usd: Option<Money>,
    /// Tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// What happens when it is used up.
    pub then: BudgetThen,
    /// Whether subscriptions count.
    pub subscription: bool,
}

/// Dollars as a number or as text. The shortest text that means a float is what somebody wrote, and exact.
fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    let written = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Integer(whole) => whole.to_string(),
        toml::Value::Float(number) => number.to_string(),
        other => other.to_string(),
    };
    let amount = Money::from_decimal(&written);
    amount.map(Some).ok_or_else(|| {
        serde::de::Error::custom(format!("usd is {written:?}, and must be dollars, such as 25 or \"12.50\""))
    })
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn decimal<S: Serializer>(amount: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&amount.unwrap_or_default().to_decimal())
}

impl BudgetSettings {
    /// As everybody else knows it.
    pub(crate) fn budget(&self) -> Budget {
        let only = self.only.trim();
        Budget {
            name: self.name.trim().to_owned(),
            of: self.of,
            only: (!only.is_empty()).then(|| only.to_owned()),
            per: self.per,
            amount: self.usd,
            tokens: self.tokens,
            then: self.then,
            subscription: self.subscription,
        }
    }
}

/// Checks all of them, each by itself and against the others.
pub(super) fn check(budgets: &[BudgetSettings]) -> Result<(), SettingsError> {
    if budgets.len() > MOST {
        return Err(SettingsError::Conflict(format!("there are more than {MOST} budgets")));
    }
    for (at, budget) in budgets.iter().map(BudgetSettings::budget).enumerate() {
        if let Err(reason) = check_one(&budget) {
            let shown = if budget.name.is_empty() {
                format!("number {}", at + 1)
            } else {
                format!("{:?}", budget.name)
            };
            return Err(SettingsError::Conflict(format!("the budget {shown}: {reason}")));
        }
        let twins =
            budgets.iter().filter(|other| other.name.trim().eq_ignore_ascii_case(&budget.name)).count();
        if twins > 1 {
            return Err(SettingsError::Conflict(format!("two budgets are called {:?}", budget.name)));
        }
    }
    Ok(())
}

/// What is wrong with a budget.
fn check_one(budget: &Budget) -> Result<(), &'static str> {
    let is_line = |text: &str| text.len() <= LONGEST && !text.contains(char::is_control);
    if budget.name.is_empty() || !is_line(&budget.name) {
        return Err("it needs a name of at most 100 characters on one line");
    }
    if budget.amount.is_none() && budget.tokens.is_none() {
        return Err("it needs usd, tokens or both");
    }
    if i64::try_from(budget.tokens.unwrap_or(0)).is_err() {
        return Err("tokens is too large");
    }
    match &budget.only {
        Some(_) if budget.of == BudgetOf::All => {
            Err("only goes with of = \"session\", \"project\" or \"tag\"")
        }
        Some(only) if only.len() > 255 || only.contains(char::is_control) => {
            Err("only must be one line of at most 255 characters")
        }
        _ => Ok(()),
    }
}

/// `text` with `budget` in the place of the one that is called `replaces`, or behind the others. `None`: there is none to
/// replace.
pub(crate) fn set(text: &str, budget: &Budget, replaces: Option<&str>) -> Result<Option<String>, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let Some(list) = list(&mut document) else { return Ok(None) };
    match replaces {
        Some(name) => match place(list, name).and_then(|at| list.get_mut(at)) {
            Some(table) => write(table, budget),
            None => return Ok(None),
        },
        None => {
            let mut table = Table::new();
            write(&mut table, budget);
            list.push(table);
        }
    }
    Ok(Some(document.to_string()))
}

/// `text` without the budget of this name; `None` when there is none.
pub(crate) fn unset(text: &str, name: &str) -> Result<Option<String>, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let Some(list) = list(&mut document) else { return Ok(None) };
    let Some(at) = place(list, name) else { return Ok(None) };
    list.remove(at);
    if list.is_empty() {
        document.remove(BUDGETS);
    }
    Ok(Some(document.to_string()))
}

/// The list as tables, whichever way it is written; `None` when something else has its name.
fn list(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    let item = document.entry(BUDGETS).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    if item.is_array() {
        let written = std::mem::take(item);
        *item = written.into_array_of_tables().map_or_else(|item| item, Item::ArrayOfTables);
    }
    // An empty list in brackets stays one otherwise.
    if item.as_array().is_some_and(toml_edit::Array::is_empty) {
        *item = Item::ArrayOfTables(ArrayOfTables::new());
    }
    item.as_array_of_tables_mut()
}

fn place(list: &ArrayOfTables, name: &str) -> Option<usize> {
    let named = |table: &Table| table.get("name").and_then(Item::as_str).map(str::trim) == Some(name.trim());
    list.iter().position(named)
}

/// Writes what differs from what is there, so that comments stay; what is as it is by default is left out.
fn write(table: &mut Table, budget: &Budget) {
    let word = |item: Result<toml::Value, toml::ser::Error>| {
        item.ok().and_then(|item| item.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let of = (budget.of != BudgetOf::default()).then(|| value(word(toml::Value::try_from(budget.of))));
    let then =
        (budget.then != BudgetThen::default()).then(|| value(word(toml::Value::try_from(budget.then))));
    let tokens = budget.tokens.and_then(|tokens| i64::try_from(tokens).ok());
    for (key, item) in [
        ("name", Some(value(budget.name.trim()))),
        ("of", of),
        ("only", budget.only.as_deref().map(|only| value(only.trim()))),
        ("per", Some(value(word(toml::Value::try_from(budget.per))))),
        ("usd", budget.amount.map(|amount| value(amount.to_decimal()))),
        ("tokens", tokens.map(value)),
        ("then", then),
        ("subscription", budget.subscription.then(|| value(true))),
    ] {
        let Some(item) = item else {
            table.remove(key);
            continue;
        };
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                let decor = old.decor().clone();
                if let Ok(new) = item.into_value() {
                    *old = new;
                    *old.decor_mut() = decor;
                }
            }
            None => {
                table.insert(key, item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn read(text: &str) -> Vec<Budget> {
        let settings: Settings = toml::from_str(text).unwrap();
        check(&settings.budgets).unwrap();
        settings.budgets.iter().map(BudgetSettings::budget).collect()
    }

    fn refused(text: &str) -> String {
        match toml::from_str::<Settings>(text) {
            Ok(settings) => check(&settings.budgets).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    const MINE: &str = "# Mine.\nmemory_mb = 99\n\n# Every day.\n[[budgets]]\nname = \"daily\" # mine\nusd = 25\nper = \"day\"\n\n[[budgets]]\nname = 'shop'\nof = 'project'\nonly = 'shop'\nper = 'month'\nusd = 0.1\ntokens = 1000\nthen = 'refuse'\n";

    #[test]
    fn budgets_are_read_to_the_pico_dollar() {
        let budgets = read(MINE);
        assert_eq!(budgets[0].amount, Some(Money::from_pico(25_000_000_000_000)));
        assert_eq!(
            (budgets[0].of, budgets[0].then, budgets[0].subscription),
            (BudgetOf::All, BudgetThen::Warn, false)
        );
        assert_eq!(budgets[1].amount, Some(Money::from_pico(100_000_000_000)), "a tenth, and not nearly one");
        assert_eq!((budgets[1].only.as_deref(), budgets[1].tokens), (Some("shop"), Some(1_000)));
        let text = read("[[budgets]]\nname = 'x'\nusd = '0.000000000001'");
        assert_eq!(text[0].amount, Some(Money::from_pico(1)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_name() {
        for (text, word) in [
            ("[[budgets]]\nusd = 1", "number 1"),
            ("[[budgets]]\nname = 'x'", "usd, tokens or both"),
            ("[[budgets]]\nname = 'x'\nusd = -1", "must be dollars"),
            ("[[budgets]]\nname = 'x'\nusd = 'much'", "must be dollars"),
            ("[[budgets]]\nname = 'x'\nusd = 1\nper = 'year'", "year"),
            ("[[budgets]]\nname = 'x'\nusd = 1\nonly = 'y'", "only goes with"),
            ("[[budgets]]\nname = 'x'\nusd = 1\n[[budgets]]\nname = 'X'\nusd = 2", "two budgets"),
            ("[[budgets]]\nname = 'x'\neuro = 1", "euro"),
        ] {
            assert!(refused(text).contains(word), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn one_is_written_and_taken_out_and_the_rest_stays() {
        let daily = Budget { then: BudgetThen::Notify, ..read(MINE)[0].clone() };
        let changed = set(MINE, &daily, Some("daily")).unwrap().unwrap();
        assert!(
            changed.contains("# Every day.\n[[budgets]]\nname = \"daily\" # mine\nusd = \"25\"\n"),
            "{changed}"
        );
        assert_eq!(read(&changed)[0], daily);
        assert_eq!(read(&changed)[1], read(MINE)[1]);
        assert_eq!(set(MINE, &daily, Some("nobody")).unwrap(), None);
        let more = Budget { name: "each".into(), of: BudgetOf::Session, per: BudgetPer::Ever, ..daily };
        for text in [MINE, "", "budgets = []\n", "budgets = [{name = 'a', usd = 1}]\n"] {
            let added = set(text, &more, None).unwrap().unwrap();
            assert_eq!(read(&added).last(), Some(&more), "{added}");
            let gone = unset(&added, "each").unwrap().unwrap();
            assert_eq!(read(&gone), read(text), "{gone}");
            assert_eq!(unset(&gone, "each").unwrap(), None);
        }
        let without = unset(&unset(MINE, "daily").unwrap().unwrap(), "shop").unwrap().unwrap();
        assert!(
            without.starts_with("# Mine.\nmemory_mb = 99\n") && !without.contains("budgets"),
            "{without}"
        );
    }
}
