//! What is fuzzed, and what must hold of it whatever comes. Each target is a function that panics when it does not.
//! Owns the list, the seeds, and the inputs that once broke something (`found/TARGET/*`), which `cargo test` replays.
//! Leaves out the fuzzer (`main`, behind a feature).

mod decoding;
mod dialects;
mod frames;
mod framing;
mod otlp;
mod scanning;
mod seeds;
mod segments;
mod translation;
mod websocket;

// Private to their crates, and worth fuzzing by themselves.
#[path = "../../crates/engine/src/pipeline/decode.rs"]
mod decode;
#[path = "../../crates/model/src/scanner.rs"]
mod scanner;

pub use seeds::seeds;

/// One function that takes any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Server-sent events: the framer.
    Framing,
    /// Bedrock's event streams: the frames.
    Frames,
    /// JSON: the scanner.
    Scanning,
    /// Request bodies: the cut into segments, searchable text, sessions.
    Segments,
    /// Requests and answers in every dialect; the first byte says which.
    Dialects,
    /// Content encodings.
    Decoding,
    /// Calls in OpenAI's shape to other providers, and their answers.
    Translation,
    /// WebSocket frames, messages and turns.
    Websocket,
    /// OTLP as protobuf, and what its reports mean; the first byte says which signal.
    OtlpProtobuf,
    /// The same as JSON.
    OtlpJson,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 10] = [
        Self::Framing,
        Self::Frames,
        Self::Scanning,
        Self::Segments,
        Self::Dialects,
        Self::Decoding,
        Self::Translation,
        Self::Websocket,
        Self::OtlpProtobuf,
        Self::OtlpJson,
    ];

    /// Its name on the command line and in folders.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Framing => "framing",
            Self::Frames => "frames",
            Self::Scanning => "scanning",
            Self::Segments => "segments",
            Self::Dialects => "dialects",
            Self::Decoding => "decoding",
            Self::Translation => "translation",
            Self::Websocket => "websocket",
            Self::OtlpProtobuf => "otlp_protobuf",
            Self::OtlpJson => "otlp_json",
        }
    }

    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Runs it once.
    ///
    /// # Panics
    /// When `data` breaks what must hold.
    pub fn run(self, data: &[u8]) {
        match self {
            Self::Framing => framing::run(data),
            Self::Frames => frames::run(data),
            Self::Scanning => scanning::run(data),
            Self::Segments => segments::run(data),
            Self::Dialects => dialects::run(data),
            Self::Decoding => decoding::run(data),
            Self::Translation => translation::run(data),
            Self::Websocket => websocket::run(data),
            Self::OtlpProtobuf => otlp::protobuf(data),
            Self::OtlpJson => otlp::json(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_hold() {
        for target in Target::ALL {
            let seeds = seeds(target);
            assert!(!seeds.is_empty(), "{target:?}");
            for seed in seeds {
                target.run(&seed);
            }
        }
    }

    #[test]
    fn what_once_broke_holds() {
        for target in Target::ALL {
            let folder = format!("{}/found/{}", env!("CARGO_MANIFEST_DIR"), target.name());
            for file in std::fs::read_dir(folder).into_iter().flatten() {
                target.run(&std::fs::read(file.unwrap().path()).unwrap());
            }
        }
    }
}
