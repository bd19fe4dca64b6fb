//! Tools as a Responses request offers them: functions only, since others run at OpenAI.

use serde_json::Value;

use crate::chat::{Choose, Tool};
use crate::fields::Fields;
use crate::refusal::Refusal;

/// The tools and which of them may be called.
pub(super) fn read(fields: &mut Fields) -> Result<(Choose, Vec<Tool>), Refusal> {
    let tools = fields.list("tools")?.unwrap_or_default();
    let tools = tools.into_iter().map(|(path, value)| tool(path, value)).collect::<Result<Vec<_>, _>>()?;
    choice(fields, tools)
}

fn tool(path: String, value: Value) -> Result<Tool, Refusal> {
    let mut fields = Fields::of(value, path)?;
    let kind = fields.text("type")?;
    let kind = fields.needed("type", kind)?;
    if kind != "function" {
        let why = format!("is {kind:?}, which runs or is read at OpenAI; only functions can be translated.");
        return Err(fields.refuse("type", &why));
    }
    let name = fields.text("name")?;
    let tool = Tool {
        name: fields.needed("name", name)?,
        description: fields.text("description")?,
        parameters: fields.take("parameters"),
        strict: fields.flag("strict")?,
        cache: fields.take("cache_control"),
    };
    fields.end()?;
    Ok(tool)
}

fn choice(fields: &mut Fields, tools: Vec<Tool>) -> Result<(Choose, Vec<Tool>), Refusal> {
    let unknown =
        |fields: &Fields| fields.refuse("tool_choice", "has to be auto, none, required or a function.");
    if let Some(Value::String(text)) = fields.peek("tool_choice") {
        let choose = word(text).ok_or_else(|| unknown(fields))?;
        fields.take("tool_choice");
        return Ok((choose, tools));
    }
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok((Choose::Auto, tools)) };
    match choice.text("type")?.unwrap_or_default().as_str() {
        "function" => {
            let name = choice.text("name")?;
            Ok((Choose::Named(choice.needed("name", name)?), tools))
        }
        "allowed_tools" => {
            let mode = choice.text("mode")?;
            let choose = word(&choice.needed("mode", mode)?).ok_or_else(|| unknown(fields))?;
            let mut names = Vec::new();
            for (path, value) in choice.list("tools")?.unwrap_or_default() {
                let mut allowed = Fields::of(value, path)?;
                let name = allowed.text("name")?;
                names.push(allowed.needed("name", name)?);
            }
            // Nothing else can be called either way.
            Ok((choose, tools.into_iter().filter(|tool| names.contains(&tool.name)).collect()))
        }
        _ => Err(unknown(fields)),
    }
}

fn word(word: &str) -> Option<Choose> {
    match word {
        "auto" => Some(Choose::Auto),
        "none" => Some(Choose::Never),
        "required" => Some(Choose::Some),
        _ => None,
    }
}
