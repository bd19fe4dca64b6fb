//! The call in JavaScript, as a module for Node.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::literal::{Language, text, value};
use super::request::{Asked, Body, Kind, Text};
use crate::CallDetail;

/// The program that makes `call` again with this body.
pub fn javascript(call: &CallDetail, body: Option<&str>) -> String {
    let asked = Asked::of(call, body);
    match (asked.kind, &asked.body) {
        (Kind::Openai(method, _), Body::Json(body)) => openai(&asked, body, method),
        (Kind::Anthropic, Body::Json(body)) => anthropic(&asked, body),
        (Kind::Gemini, Body::Json(body)) => gemini(&asked, body),
        _ => http(&asked),
    }
}

fn json(members: &Map<String, Value>) -> String {
    value(&Value::Object(members.clone()), Language::JavaScript, 0)
}

fn openai(asked: &Asked<'_>, body: &Map<String, Value>, method: &str) -> String {
    let ending = format!("/{}", method.replace('.', "/"));
    let base = asked.url.strip_suffix(ending.as_str()).unwrap_or(&asked.url);
    format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: {}, apiKey: {} }});\n\nconst body = {};\n\n\
         const answer = await client.{method}.create(body{});\n{}",
        text(base),
        environment(&asked.variable),
        json(body),
        extra_headers(asked),
        print(asked),
    )
}

fn anthropic(asked: &Asked<'_>, body: &Map<String, Value>) -> String {
    let base = asked.url.strip_suffix("/v1/messages").unwrap_or(&asked.url);
    format!(
        "import Anthropic from \"@anthropic-ai/sdk\";\n\nconst client = new Anthropic({{ baseURL: {}, apiKey: {} }});\n\n\
         const body = {};\n\nconst answer = await client.messages.create(body{});\n{}",
        text(base),
        environment(&asked.variable),
        json(body),
        extra_headers(asked),
        print(asked),
    )
}

fn gemini(asked: &Asked<'_>, body: &Map<String, Value>) -> String {
    let (base, version, model) = asked.gemini_parts();
    let call = if asked.streams { "generateContentStream" } else { "generateContent" };
    format!(
        "import {{ GoogleGenAI }} from \"@google/genai\";\n\nconst client = new GoogleGenAI({{\n    apiKey: {},\n    \
         httpOptions: {{ baseUrl: {}, apiVersion: {} }},\n}});\n\nconst {{ contents, generationConfig, ...rest }} = {};\n\n\
         const config = {{ ...generationConfig, ...rest }};\n\
         const answer = await client.models.{call}({{ model: {}, contents, config }});\n{}",
        environment(&asked.variable),
        text(base),
        text(version),
        json(body),
        text(model),
        print(asked),
    )
}

fn http(asked: &Asked<'_>) -> String {
    let mut out = String::new();
    let body = match &asked.body {
        Body::None => "",
        Body::Json(body) => {
            _ = write!(out, "const body = {};\n\n", json(body));
            "    body: JSON.stringify(body),\n"
        }
        Body::Text(body) => {
            _ = write!(out, "const body = {};\n\n", text(body));
            "    body,\n"
        }
    };
    let url = text(&asked.whole_url());
    _ = write!(
        out,
        "const answer = await fetch({url}, {{\n    method: {},\n    headers: {{\n",
        text(asked.method)
    );
    if !body.is_empty() {
        out.push_str("        \"content-type\": \"application/json\",\n");
    }
    for (name, value) in &asked.headers {
        _ = writeln!(out, "        {}: {},", text(name), keyed(value, &asked.variable));
    }
    _ = write!(out, "    }},\n{body}}});\n");
    out.push_str(match asked.streams {
        true => "for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {\n    process.stdout.write(piece);\n}\n",
        false => "console.log(await answer.text());\n",
    });
    out
}

fn environment(variable: &str) -> String {
    format!("process.env[{}]", text(variable))
}

fn keyed(value: &Text, variable: &str) -> String {
    match value {
        Text::Plain(plain) => text(plain),
        Text::Key(before, after) => {
            let parts = [text(before), environment(variable), text(after)];
            let said = [!before.is_empty(), true, !after.is_empty()];
            let parts = parts.into_iter().zip(said).filter_map(|(part, said)| said.then_some(part));
            parts.collect::<Vec<_>>().join(" + ")
        }
    }
}

/// `, { headers: {…} }` for those that the SDK does not know by itself.
fn extra_headers(asked: &Asked<'_>) -> String {
    let said = asked.headers.iter().filter_map(|(name, value)| match value {
        Text::Plain(plain) if name != "anthropic-version" => Some(format!("{}: {}", text(name), text(plain))),
        _ => None,
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { String::new() } else { format!(", {{ headers: {{ {} }} }}", said.join(", ")) }
}

fn print(asked: &Asked<'_>) -> &'static str {
    match asked.streams {
        true => "for await (const event of answer) {\n    console.log(JSON.stringify(event));\n}\n",
        false => "console.log(JSON.stringify(answer, null, 2));\n",
    }
}
