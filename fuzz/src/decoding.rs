//! Content encodings: what was encoded comes back, what is cut gives its beginning, rubbish harms nobody.

use std::io::Write;

use bytes::Bytes;

use crate::decode::decode;

const ENCODINGS: [&str; 6] = ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate, identity"];

pub(crate) fn run(input: &[u8]) {
    let Some((&choice, data)) = input.split_first() else { return };
    let encoding = ENCODINGS[usize::from(choice) % ENCODINGS.len()];
    let data = Bytes::copy_from_slice(data);
    let decoded = decode(&data, Some(encoding));
    assert!(decoded.bytes.len() <= 32 << 20, "no small body becomes an enormous one");
    if choice < 128 {
        return;
    }
    let encoded = encode(&data, encoding);
    let whole = decode(&encoded, Some(encoding));
    assert!(whole.bytes == data && !whole.cut, "{encoding} comes back");
    let half = encoded.slice(..encoded.len() / 2);
    let beginning = decode(&half, Some(encoding)).bytes;
    let single = !encoding.contains(',');
    assert!(
        !single || beginning == half || data.starts_with(&beginning),
        "{encoding} cut gives its beginning"
    );
}

fn encode(data: &Bytes, encodings: &str) -> Bytes {
    encodings.split(',').fold(data.clone(), |data, encoding| match encoding.trim() {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&data).unwrap();
            encoder.finish().unwrap().into()
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&data).unwrap();
            encoder.finish().unwrap().into()
        }
        "br" => {
            let mut encoded = Vec::new();
            brotli::CompressorWriter::new(&mut encoded, 4096, 1, 18).write_all(&data).unwrap();
            encoded.into()
        }
        "zstd" => zstd::bulk::compress(&data, 1).unwrap().into(),
        _ => data,
    })
}
