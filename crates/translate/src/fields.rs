//! A JSON object whose every field must be asked for: what nobody asked for is refused by name.

use serde_json::{Map, Number, Value};

use crate::refusal::Refusal;

/// An object's fields that nobody has taken yet, and where it stands in the request.
pub(crate) struct Fields {
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The fields of `value`, which stands at `path` (empty for the body itself).
    pub(crate) fn of(value: Value, path: impl Into<String>) -> Result<Self, Refusal> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { path, map }),
            _ if path.is_empty() => Err(Refusal::new(path, "The body has to be a JSON object.")),
            _ => Err(Refusal::new(path.clone(), format!("{path} has to be an object."))),
        }
    }

    /// Where the field `name` stands.
    pub(crate) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a field. `null` is as good as nothing.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A field that stays where it is.
    pub(crate) fn peek(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<Number>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(_) => Err(self.wrong(name, "a number")),
        }
    }

    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.take(name).map(|value| value.as_u64()) {
            None => Ok(None),
            Some(Some(count)) => Ok(Some(count)),
            Some(None) => Err(self.wrong(name, "a whole number, not negative")),
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        let path = self.at(name);
        self.take(name).map(|value| Self::of(value, path)).transpose()
    }

    /// A JSON schema, which stays a value.
    pub(crate) fn schema(&mut self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(schema @ Value::Object(_)) => Ok(Some(schema)),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// A list's elements, each with where it stands.
    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<(String, Value)>>, Refusal> {
        let path = self.at(name);
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(
                (0..).zip(values).map(|(i, value): (usize, _)| (format!("{path}[{i}]"), value)).collect(),
            )),
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    /// What has to be there.
    pub(crate) fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T, Refusal> {
        value.ok_or_else(|| {
            let field = self.at(name);
            Refusal::new(field.clone(), format!("{field} is missing."))
        })
    }

    /// A refusal of one of the fields.
    pub(crate) fn refuse(&self, name: &str, why: &str) -> Refusal {
        let field = self.at(name);
        Refusal::new(field.clone(), format!("{field} {why}"))
    }

    /// Refuses what is left.
    pub(crate) fn end(mut self) -> Result<(), Refusal> {
        let names: Vec<String> = self.map.keys().cloned().collect();
        match names.into_iter().find(|name| self.take(name).is_some()) {
            None => Ok(()),
            Some(name) => Err(self.refuse(&name, "is not known to LLMFlow, so it cannot be translated. Leave it out, or use the provider's native API.")),
        }
    }

    fn wrong(&self, name: &str, wanted: &str) -> Refusal {
        self.refuse(name, &format!("has to be {wanted}."))
    }
}
