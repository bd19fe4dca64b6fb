//! Readings of requests that lie outside the repository, shown: for looking at what real clients send.
//! `LLMFLOW_OTLP_SAMPLES=DIR cargo test -p model oracle -- --ignored --nocapture`

use std::path::Path;

use serde_json::Value as Json;

use super::{export, shown};

#[test]
#[ignore = "needs a folder of OTLP/JSON requests"]
fn oracle() {
    let folder = std::env::var("LLMFLOW_OTLP_SAMPLES").expect("LLMFLOW_OTLP_SAMPLES names a folder");
    let mut files: Vec<_> =
        std::fs::read_dir(Path::new(&folder)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut calls = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let request: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        println!("=== {}", file.file_name().unwrap().to_string_lossy());
        let Json::Array(meanings) = shown::meaning(&export::read(&request)) else { continue };
        for meaning in meanings {
            calls += usize::from(meaning.get("call").is_some());
            println!("{meaning}");
        }
    }
    assert!(calls > 0, "samples hold calls");
}
