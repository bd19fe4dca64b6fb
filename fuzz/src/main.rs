//! libFuzzer's entry point. `LLMFLOW_FUZZ_TARGET` names what is fuzzed; `LLMFLOW_FUZZ_SEEDS` a folder that gets the
//! seeds first. Leaves out every target (the library) and how it is built and run (`cargo xtask fuzz`).
#![no_main]

use std::sync::OnceLock;

use fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("LLMFLOW_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = Target::named(&name) else {
        panic!("LLMFLOW_FUZZ_TARGET={name:?} is none of {:?}", Target::ALL.map(Target::name));
    };
    if let Some(folder) = std::env::var_os("LLMFLOW_FUZZ_SEEDS") {
        let folder = std::path::PathBuf::from(folder);
        for (number, seed) in fuzz::seeds(target).into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)
                .expect("the seeds' folder takes files");
        }
    }
    target
}

libfuzzer_sys::fuzz_target!(
    init: {
        TARGET.get_or_init(chosen);
    },
    |data: &[u8]| {
        TARGET.get_or_init(chosen).run(data);
    }
);
