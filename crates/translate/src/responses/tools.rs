//! Tools as a Responses request offers them: functions, alone or in a namespace; others run at OpenAI. Other providers
//! know no namespaces: a function's name begins with its namespace there, and is taken apart again in the answer.

use serde_json::Value;

use crate::chat::{self, Choose, Tool};
use crate::fields::Fields;
use crate::refusal::Refusal;

/// A function in a namespace, and the name it has outside.
#[derive(Clone, Debug)]
pub(super) struct Namespaced {
    pub(super) flat: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// The name of a function of `namespace` where there are none.
pub(super) fn flat(namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}__{name}"))
}

/// What a request offers.
pub(super) struct Offered {
    pub(super) tools: Vec<Tool>,
    pub(super) choose: Choose,
    pub(super) namespaced: Vec<Namespaced>,
}

/// The tools and which of them may be called.
pub(super) fn read(fields: &mut Fields) -> Result<Offered, Refusal> {
    let (mut tools, mut namespaced) = (Vec::new(), Vec::new());
    for (path, value) in fields.list("tools")?.unwrap_or_default() {
        if value.get("type").is_some_and(|kind| kind == "namespace") {
            namespace(Fields::of(value, path)?, &mut tools, &mut namespaced)?;
        } else {
            tools.push(tool(path, value)?);
        }
    }
    // A name that is there twice could not be taken apart again.
    let twice = |own: &&Namespaced| tools.iter().filter(|tool| tool.name == own.flat).count() > 1;
    if let Some(Namespaced { flat, namespace, name }) = namespaced.iter().find(twice) {
        let why = format!("has {name:?} in the namespace {namespace:?} beside another tool named {flat:?}.");
        return Err(fields.refuse("tools", &why));
    }
    let (choose, tools) = choice(fields, tools)?;
    Ok(Offered { tools, choose, namespaced })
}

fn namespace(mut fields: Fields, tools: &mut Vec<Tool>, known: &mut Vec<Namespaced>) -> Result<(), Refusal> {
    fields.take("type");
    let name = fields.text("name")?;
    let namespace = fields.needed("name", name)?;
    let about = fields.text("description")?;
    for (path, value) in fields.list("tools")?.unwrap_or_default() {
        let own = tool(path, value)?;
        let flat = flat(Some(&namespace), &own.name);
        let both = [about.as_deref(), own.description.as_deref()];
        let both: Vec<&str> = both.into_iter().flatten().collect();
        let description = (!both.is_empty()).then(|| both.join("\n\n"));
        known.push(Namespaced { flat: flat.clone(), namespace: namespace.clone(), name: own.name });
        tools.push(Tool { name: flat, description, ..own });
    }
    fields.end()
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
        parameters: fields.schema("parameters")?,
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
        return Ok((chat::agreed(fields, choose, &tools)?, tools));
    }
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok((Choose::Auto, tools)) };
    match choice.text("type")?.unwrap_or_default().as_str() {
        "function" => {
            let choose = Choose::Named(named(&mut choice)?);
            choice.end()?;
            Ok((chat::agreed(fields, choose, &tools)?, tools))
        }
        "allowed_tools" => {
            let mode = choice.text("mode")?;
            let choose = word(&choice.needed("mode", mode)?).ok_or_else(|| unknown(fields))?;
            let mut names = Vec::new();
            for (path, value) in choice.list("tools")?.unwrap_or_default() {
                let mut own = Fields::of(value, path.clone())?;
                chat::a_function(&mut own)?;
                names.push((path, named(&mut own)?));
                own.end()?;
            }
            // Nothing else can be called either way.
            let tools = chat::only(&choice, &names, tools)?;
            choice.end()?;
            Ok((choose, tools))
        }
        _ => Err(unknown(fields)),
    }
}

fn named(fields: &mut Fields) -> Result<String, Refusal> {
    let (namespace, name) = (fields.text("namespace")?, fields.text("name")?);
    Ok(flat(namespace.as_deref(), &fields.needed("name", name)?))
}

fn word(word: &str) -> Option<Choose> {
    match word {
        "auto" => Some(Choose::Auto),
        "none" => Some(Choose::Never),
        "required" => Some(Choose::Some),
        _ => None,
    }
}
