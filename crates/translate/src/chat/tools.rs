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
        parameters: function.schema("parameters")?,
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
        return Ok((agreed(fields, choose, &tools)?, tools));
    }
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok((Choose::Auto, tools)) };
    let kind = choice.text("type")?.unwrap_or_default();
    match kind.as_str() {
        "function" => {
            let name = function_name(&mut choice)?;
            choice.end()?;
            Ok((agreed(fields, Choose::Named(name), &tools)?, tools))
        }
        "allowed_tools" => {
            let allowed = choice.object("allowed_tools")?;
            let mut allowed = choice.needed("allowed_tools", allowed)?;
            let mode = allowed.text("mode")?;
            let mode = word(&allowed.needed("mode", mode)?).ok_or_else(|| unknown(fields))?;
            let mut names = Vec::new();
            for (path, value) in allowed.list("tools")?.unwrap_or_default() {
                let mut named = Fields::of(value, path.clone())?;
                names.push((path, function_name(&mut named)?));
                named.end()?;
            }
            let tools = only(&allowed, &names, tools)?;
            allowed.end()?;
            choice.end()?;
            Ok((mode, tools))
        }
        _ => Err(unknown(fields)),
    }
}

fn function_name(fields: &mut Fields) -> Result<String, Refusal> {
    a_function(fields)?;
    let function = fields.object("function")?;
    let mut function = fields.needed("function", function)?;
    let name = function.text("name")?;
    let name = function.needed("name", name)?;
    function.end()?;
    Ok(name)
}

/// Takes the type of a tool that is named.
pub(crate) fn a_function(fields: &mut Fields) -> Result<(), Refusal> {
    match fields.text("type")? {
        Some(kind) if kind != "function" => {
            Err(fields.refuse("type", &format!("is {kind:?}; only functions can be translated.")))
        }
        _ => Ok(()),
    }
}

/// A choice that the tools agree with. Providers differ in what they make of one that does not: some leave it out.
pub(crate) fn agreed(fields: &Fields, choose: Choose, tools: &[Tool]) -> Result<Choose, Refusal> {
    match choose {
        Choose::Some if tools.is_empty() => {
            Err(fields.refuse("tool_choice", "asks for a tool's call, and there are no tools."))
        }
        Choose::Named(name) if !tools.iter().any(|tool| tool.name == name) => {
            Err(fields.refuse("tool_choice", &format!("names {name:?}, which is none of the tools.")))
        }
        // Nothing can be called as it is.
        Choose::Never if tools.is_empty() => Ok(Choose::Auto),
        choose => Ok(choose),
    }
}

/// The tools that are named, each with where it is.
pub(crate) fn only(
    holder: &Fields,
    names: &[(String, String)],
    tools: Vec<Tool>,
) -> Result<Vec<Tool>, Refusal> {
    if names.is_empty() {
        return Err(holder.refuse("tools", "names no tool."));
    }
    if let Some((path, name)) = names.iter().find(|(_, name)| !tools.iter().any(|tool| tool.name == *name)) {
        return Err(Refusal::new(path, format!("{path} names {name:?}, which is none of the tools.")));
    }
    Ok(tools.into_iter().filter(|tool| names.iter().any(|(_, name)| *name == tool.name)).collect())
}
