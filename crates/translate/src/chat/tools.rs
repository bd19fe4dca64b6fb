//! Tools as a request offers them, and reading them.

use serde_json::Value;

use crate::fields::Fields;
use crate::refusal::Refusal;

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The schema of its arguments; `None` takes none.
    pub parameters: Option<Value>,
    /// Whether arguments must fit the schema.
    pub strict: Option<bool>,
    /// Anthropic's `cache_control`.
    pub cache: Option<Value>,
}

/// Which tools may or must be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choose {
    /// The model decides.
    #[default]
    Auto,
    /// None.
    Never,
    /// At least one.
    Some,
    /// This one.
    Named(String),
}

/// Reads the tools.
pub(super) fn read_tools(values: Vec<(String, Value)>) -> Result<Vec<Tool>, Refusal> {
    values.into_iter().map(|(path, value)| read_tool(path, value)).collect()
}

fn read_tool(path: String, value: Value) -> Result<Tool, Refusal> {
    let mut fields = Fields::of(value, path)?;
    let kind = fields.text("type")?;
    let kind = fields.needed("type", kind)?;
    if kind != "function" {
        return Err(fields.refuse("type", &format!("is {kind:?}; only functions can be translated.")));
    }
    let cache = fields.take("cache_control");
    let function = fields.object("function")?;
    let mut function = fields.needed("function", function)?;
    let name = function.text("name")?;
    let cache = function.take("cache_control").or(cache);
    let tool = Tool {
        name: function.needed("name", name)?,
        description: function.text("description")?,
        parameters: function.take("parameters"),
        strict: function.flag("strict")?,
        cache,
    };
    function.end()?;
    fields.end()?;
    Ok(tool)
}

/// Reads `tool_choice`. A list of allowed tools leaves only those: nothing else can be called either way.
pub(super) fn read_choice(fields: &mut Fields, tools: Vec<Tool>) -> Result<(Choose, Vec<Tool>), Refusal> {
    let word = |word: &str| match word {
        "auto" => Some(Choose::Auto),
        "none" => Some(Choose::Never),
        "required" => Some(Choose::Some),
        _ => None,
    };
    let unknown = |fields: &Fields| fields.refuse("tool_choice", "has to be auto, none, required or a tool.");
    if let Some(Value::String(text)) = fields.peek("tool_choice") {
        let choose = word(text).ok_or_else(|| unknown(fields))?;
        fields.take("tool_choice");
        return Ok((choose, tools));
    }
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok((Choose::Auto, tools)) };
    let kind = choice.text("type")?.unwrap_or_default();
    match kind.as_str() {
        "function" => {
            let name = function_name(&mut choice)?;
            choice.end()?;
            Ok((Choose::Named(name), tools))
        }
        "allowed_tools" => {
            let allowed = choice.object("allowed_tools")?;
            let mut allowed = choice.needed("allowed_tools", allowed)?;
            let mode = allowed.text("mode")?;
            let mode = word(&allowed.needed("mode", mode)?).ok_or_else(|| unknown(fields))?;
            let mut names = Vec::new();
            for (path, value) in allowed.list("tools")?.unwrap_or_default() {
                names.push(function_name(&mut Fields::of(value, path)?)?);
            }
            Ok((mode, tools.into_iter().filter(|tool| names.contains(&tool.name)).collect()))
        }
        _ => Err(unknown(fields)),
    }
}

fn function_name(fields: &mut Fields) -> Result<String, Refusal> {
    fields.take("type");
    let function = fields.object("function")?;
    let mut function = fields.needed("function", function)?;
    let name = function.text("name")?;
    function.needed("name", name)
}
