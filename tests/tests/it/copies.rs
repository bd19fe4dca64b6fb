//! A call copied as a program says the same as the call, whatever its body holds: the programs are run by Python and Node,
//! over plain HTTP against the mock, and with SDKs' names standing for something that tells what it was handed.

use std::path::Path;

use api::{BodySide, CallDetail};
use serde_json::{Value, json};
use tests::{App, Mock, send};
use tokio::process::Command;

use crate::requests::{JSON, request};

const KEY: &str = "CaNaRy-\"'`$\\-key";

/// Stands for the SDKs and for httpx, which the machine may not have.
const PYTHON: [(&str, &str); 4] = [
    ("openai.py", TELLS),
    ("anthropic.py", TELLS),
    ("google/genai.py", TELLS),
    (
        "httpx.py",
        "import urllib.request\nclass Answer:\n    def __init__(self, text): self.text = text\n\
         def request(method, url, headers, content=None, timeout=None):\n    \
         asked = urllib.request.Request(url, data=content, headers=headers, method=method)\n    \
         return Answer(urllib.request.urlopen(asked).read().decode())\n",
    ),
];
const TELLS: &str = "import json, sys\nclass Method:\n    def __init__(self, name, client): self.name, self.client = name, client\n    \
    def __getattr__(self, name): return Method(self.name + [name], self.client)\n    \
    def __call__(self, **asked):\n        print(json.dumps([self.client, \".\".join(self.name), asked])); sys.exit(0)\n\
    class OpenAI:\n    def __init__(self, **made): self.made = made\n    \
    def __getattr__(self, name): return Method([name], self.made)\n\
    Anthropic = OpenAI\nClient = OpenAI\n";
const NODE: &str = "const tell = (name, client) => new Proxy(function () {}, {\n  get: (_, more) => tell([...name, more], client),\n  \
    apply: (_, __, asked) => { console.log(JSON.stringify([client, name.join(\".\"), asked])); process.exit(0); },\n});\n\
    export default class Client { constructor(made) { return new Proxy({}, { get: (_, name) => tell([name], made) }); } }\n\
    export const GoogleGenAI = Client;\n";

/// Everything that ends a text, begins a comment, is filled in, or hides.
fn hostile() -> String {
    "\"'`$\\ ${process.exit(1)} {x!r} %s \"\"\" ''' */ // # \u{2028}\u{2029}\u{202e}\u{0}\u{1b}\u{7f}\r\n\t\\u0041 </script> 🌍 é".to_owned()
}

fn body() -> Value {
    json!({
        "model": hostile(),
        "messages": [{"role": "user", "content": hostile()}, {"role": "user", "content": [{"type": "text", "text": ""}]}],
        "metadata": {(hostile()): null, "__proto__": {"a": [true, false, null, -0.5, 1e300, 9007199254740993_i64 - 2]}, "": []},
        "max_tokens": 5,
    })
}

async fn call(app: &App, path: &str, body: &str, count: usize) -> (CallDetail, String) {
    let headers = format!("{JSON}Authorization: Bearer sk-own-0123456789abcdef\r\nX-Said: a\"'`\\b\r\n");
    send(app.proxy, &request("POST", path, &headers, body.as_bytes())).await;
    let call = app.recorded(count).await.remove(0);
    (app.call(call.id).await, app.body(call.id, BodySide::Request).await)
}

/// Runs a program and gives what it printed.
async fn run(folder: &Path, program: &str, python: bool) -> String {
    let file = folder.join(if python { "copied.py" } else { "copied.mjs" });
    std::fs::write(&file, program).unwrap();
    let mut command = Command::new(if python { "python3" } else { "node" });
    command.arg(&file).current_dir(folder).env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
    for provider in ["OPENAI", "ANTHROPIC", "GEMINI", "OLLAMA", "GROQ"] {
        command.env(format!("{provider}_API_KEY"), KEY);
    }
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{program}");
    String::from_utf8(output.stdout).unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    PYTHON.iter().for_each(|(name, text)| put(name, text));
    for package in ["openai", "@anthropic-ai/sdk", "@google/genai"] {
        put(&format!("node_modules/{package}/package.json"), r#"{"type":"module","exports":"./index.js"}"#);
        put(&format!("node_modules/{package}/index.js"), NODE);
    }
    folder
}

/// Members put back together from what an SDK's method was handed in Python.
fn together(asked: &Value) -> Value {
    let mut body = asked["extra_body"].clone();
    for (name, value) in asked.as_object().unwrap() {
        let added =
            !matches!(name.as_str(), "extra_body" | "extra_headers") && (name != "stream" || value == true);
        if added {
            body[name] = value.clone();
        }
    }
    body
}

#[tokio::test]
async fn sdks_are_handed_what_was_said() {
    let (mock, folder) = (Mock::start().await, folder());
    let app = App::start(mock.address()).await;
    let base = format!("http://{}", mock.address());
    let chat = body();
    let mut responses = body();
    responses["input"] = responses["messages"].take();
    responses.as_object_mut().unwrap().remove("messages");
    for (count, (path, method, body, at)) in [
        ("/v1/chat/completions", "chat.completions.create", &chat, "/v1"),
        ("/groq/v1/chat/completions", "chat.completions.create", &chat, "/openai/v1"),
        ("/v1/responses", "responses.create", &responses, "/v1"),
        ("/anthropic/v1/messages", "messages.create", &chat, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let text = body.to_string();
        let (call, recorded) = call(&app, path, &text, count + 1).await;
        assert_eq!(recorded, text);
        let said: Value =
            serde_json::from_str(&run(folder.path(), &api::code::python(&call, Some(&text)), true).await)
                .unwrap();
        assert_eq!(
            (&said[0]["base_url"], &said[1]),
            (&json!(format!("{base}{at}")), &json!(method)),
            "{path}"
        );
        assert_eq!(said[0]["api_key"], KEY);
        assert_eq!(together(&said[2]), *body, "{path}");
        assert_eq!(
            said[2]["extra_headers"]["X-Said"].as_str().or(said[2]["extra_headers"]["x-said"].as_str()),
            Some("a\"'`\\b")
        );
        let said: Value = serde_json::from_str(
            &run(folder.path(), &api::code::javascript(&call, Some(&text)), false).await,
        )
        .unwrap();
        assert_eq!(
            (&said[0]["baseURL"], &said[0]["apiKey"]),
            (&json!(format!("{base}{at}")), &json!(KEY)),
            "{path}"
        );
        assert_eq!((&said[1], &said[2][0]), (&json!(method), body), "{path}");
    }
    let asked = json!({
        "contents": [{"role": "user", "parts": [{"text": hostile()}]}],
        "generationConfig": {"temperature": 0.5}, "systemInstruction": {"parts": [{"text": "Be brief"}]},
    });
    let text = asked.to_string();
    let (call, _) = call(&app, "/gemini/v1beta/models/gemini-2.5-flash:generateContent", &text, 5).await;
    let config = json!({"temperature": 0.5, "systemInstruction": asked["systemInstruction"]});
    let said: Value =
        serde_json::from_str(&run(folder.path(), &api::code::python(&call, Some(&text)), true).await)
            .unwrap();
    assert_eq!(said[1], "models.generate_content");
    assert_eq!(
        said[2],
        json!({"model": "gemini-2.5-flash", "contents": asked["contents"], "config": config})
    );
    let said: Value =
        serde_json::from_str(&run(folder.path(), &api::code::javascript(&call, Some(&text)), false).await)
            .unwrap();
    assert_eq!((&said[1], &said[2][0]["config"]), (&json!("models.generateContent"), &config));
    assert_eq!(said[2][0]["contents"], asked["contents"]);
}

#[tokio::test]
async fn over_plain_http_the_same_is_sent() {
    let (mock, folder) = (Mock::start().await, folder());
    let app = App::start(mock.address()).await;
    let text = body().to_string();
    let (call, _) = call(&app, "/ollama/api/chat", &text, 1).await;
    for python in [true, false] {
        mock.take();
        let program = match python {
            true => api::code::python(&call, Some(&text)),
            false => api::code::javascript(&call, Some(&text)),
        };
        assert!(!program.contains("sk-own") && !program.contains("[key:"), "{program}");
        run(folder.path(), &program, python).await;
        let received = mock.ended(1).await.remove(0).received;
        assert_eq!((received.method(), received.path()), ("POST", "/api/chat"));
        assert_eq!(received.json(), body(), "{program}");
        assert_eq!(received.head.header("authorization"), Some(format!("Bearer {KEY}")));
        assert_eq!(received.head.header("x-said").as_deref(), Some("a\"'`\\b"));
    }
}
