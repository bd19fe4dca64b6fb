//! The call in Python.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::literal::{Language, text, value};
use super::request::{Asked, Body, Kind, Text};
use crate::CallDetail;

/// The program that makes `call` again with this body.
pub fn python(call: &CallDetail, body: Option<&str>) -> String {
    let asked = Asked::of(call, body);
    match (asked.kind, &asked.body) {
        (Kind::Openai(method, named), Body::Json(body)) => openai(&asked, body, method, named),
        (Kind::Anthropic, Body::Json(body)) => anthropic(&asked, body),
        (Kind::Gemini, Body::Json(body)) => gemini(&asked, body),
        _ => http(&asked),
    }
}

fn json(members: &Map<String, Value>) -> String {
    value(&Value::Object(members.clone()), Language::Python, 0)
}

fn openai(asked: &Asked<'_>, body: &Map<String, Value>, method: &str, named: &str) -> String {
    let ending = format!("/{}", method.replace('.', "/"));
    let base = asked.url.strip_suffix(ending.as_str()).unwrap_or(&asked.url);
    let rest = if method == "embeddings" {
        String::new()
    } else {
        shown(asked, "stream=body.pop(\"stream\", False),\n    ")
    };
    format!(
        "import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url={}, api_key=os.environ[{}])\n\nbody = {}\n\n\
         answer = client.{method}.create(\n    model=body.pop(\"model\"),\n    {named}=body.pop({}),\n    {rest}extra_body=body,\n{})\n{}",
        text(base),
        text(&asked.variable),
        json(body),
        text(named),
        extra_headers(asked),
        print(asked, "answer.model_dump_json(indent=2)", "event.model_dump_json()"),
    )
}

fn anthropic(asked: &Asked<'_>, body: &Map<String, Value>) -> String {
    let base = asked.url.strip_suffix("/v1/messages").unwrap_or(&asked.url);
    format!(
        "import os\n\nfrom anthropic import Anthropic\n\nclient = Anthropic(base_url={}, api_key=os.environ[{}])\n\nbody = {}\n\n\
         answer = client.messages.create(\n    model=body.pop(\"model\"),\n    messages=body.pop(\"messages\"),\n    \
         max_tokens=body.pop(\"max_tokens\", 1024),\n    stream=body.pop(\"stream\", False),\n    extra_body=body,\n{})\n{}",
        text(base),
        text(&asked.variable),
        json(body),
        extra_headers(asked),
        print(asked, "answer.model_dump_json(indent=2)", "event.model_dump_json()"),
    )
}

fn gemini(asked: &Asked<'_>, body: &Map<String, Value>) -> String {
    let (base, version, model) = asked.gemini_parts();
    let call = if asked.streams { "generate_content_stream" } else { "generate_content" };
    format!(
        "import os\n\nfrom google import genai\n\nclient = genai.Client(\n    api_key=os.environ[{}],\n    \
         http_options={{\"base_url\": {}, \"api_version\": {}}},\n)\n\nbody = {}\n\n\
         contents = body.pop(\"contents\")\nconfig = {{**body.pop(\"generationConfig\", {{}}), **body}}\n\
         answer = client.models.{call}(model={}, contents=contents, config=config)\n{}",
        text(&asked.variable),
        text(base),
        text(version),
        json(body),
        text(model),
        print(
            asked,
            "answer.model_dump_json(indent=2, exclude_none=True)",
            "event.model_dump_json(exclude_none=True)"
        ),
    )
}

fn http(asked: &Asked<'_>) -> String {
    let mut out = "import json\nimport os\n\nimport httpx\n\nheaders = {\n".to_owned();
    let mut headers = String::new();
    if !matches!(asked.body, Body::None) {
        headers.push_str("    \"content-type\": \"application/json\",\n");
    }
    for (name, value) in &asked.headers {
        _ = writeln!(headers, "    {}: {},", text(name), keyed(value, &asked.variable));
    }
    out.push_str(&headers);
    out.push_str("}\n");
    let content = match &asked.body {
        Body::None => "",
        Body::Json(body) => {
            _ = write!(out, "\nbody = {}\n", json(body));
            ", content=json.dumps(body, ensure_ascii=False).encode()"
        }
        Body::Text(body) => {
            _ = write!(out, "\nbody = {}\n", text(body));
            ", content=body.encode()"
        }
    };
    let url = text(&asked.whole_url());
    let method = text(asked.method);
    _ = match asked.streams {
        true => write!(
            out,
            "\nwith httpx.stream({method}, {url}, headers=headers{content}, timeout=None) as answer:\n    \
             for line in answer.iter_lines():\n        print(line)\n"
        ),
        false => write!(
            out,
            "\nanswer = httpx.request({method}, {url}, headers=headers{content}, timeout=None)\nprint(answer.text)\n"
        ),
    };
    if !out.contains("os.environ[") {
        out = out.replacen("import os\n", "", 1);
    }
    if !content.contains("json.dumps") {
        out = out.replacen("import json\n", "", 1);
    }
    out
}

fn keyed(value: &Text, variable: &str) -> String {
    match value {
        Text::Plain(plain) => text(plain),
        Text::Key(before, after) => {
            let part = |part: &String, at_end: bool| match (part.is_empty(), at_end) {
                (true, _) => String::new(),
                (false, false) => format!("{} + ", text(part)),
                (false, true) => format!(" + {}", text(part)),
            };
            format!("{}os.environ[{}]{}", part(before, false), text(variable), part(after, true))
        }
    }
}

/// `extra_headers={…},` for those that the SDK does not know by itself.
fn extra_headers(asked: &Asked<'_>) -> String {
    let said = asked.headers.iter().filter_map(|(name, value)| match value {
        Text::Plain(plain) if name != "anthropic-version" => Some(format!("{}: {}", text(name), text(plain))),
        _ => None,
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { String::new() } else { format!("    extra_headers={{{}}},\n", said.join(", ")) }
}

fn shown(asked: &Asked<'_>, line: &str) -> String {
    if asked.streams { line.to_owned() } else { String::new() }
}

fn print(asked: &Asked<'_>, whole: &str, event: &str) -> String {
    match asked.streams {
        true => format!("for event in answer:\n    print({event})\n"),
        false => format!("print({whole})\n"),
    }
}
