//! Requests of our own in the shapes that real senders use, and what they mean. A meaning that is missing is written
//! with `LLMFLOW_WRITE_MEANINGS=1`, to be read before it is believed.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{export, shown};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/telemetry")
}

#[test]
fn requests_mean_what_stands_beside_them() {
    let mut found = 0;
    for file in std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".json").filter(|stem| !stem.ends_with(".means")) else {
            continue;
        };
        found += 1;
        let request: Json = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let meaning = shown::meaning(&export::read(&request));
        let beside = folder().join(format!("{stem}.means.json"));
        if std::env::var_os("LLMFLOW_WRITE_MEANINGS").is_some() {
            std::fs::write(&beside, format!("{meaning:#}\n")).unwrap();
        }
        let expected: Json = serde_json::from_slice(&std::fs::read(&beside).expect(&name)).unwrap();
        let pairs = expected.as_array().unwrap().iter().zip(meaning.as_array().unwrap());
        for (expected, meaning) in pairs {
            assert_eq!(format!("{meaning:#}"), format!("{expected:#}"), "{name}");
        }
        assert_eq!(meaning.as_array().unwrap().len(), expected.as_array().unwrap().len(), "{name}");
    }
    assert!(found >= 20, "{found} fixtures");
}
