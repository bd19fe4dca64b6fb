//! Undoing a body's content encoding, on the recorder's copy only. Broken or cut input gives what came before.

use std::io::Read;

use bytes::Bytes;

/// A small body can unpack to anything; more than this is not kept.
const LARGEST: u64 = 32 << 20;

/// More encodings on top of each other than anybody uses are somebody's joke.
const DEEPEST: usize = 5;
/// A zstd frame may ask for this much memory (as a power of two): as much as is kept.
const ZSTD_WINDOW: u32 = 25;

/// A decoded body.
pub(crate) struct Decoded {
    pub(crate) bytes: Bytes,
    /// There was more than is kept.
    pub(crate) cut: bool,
}

/// Decodes `bytes` by the value of its Content-Encoding header. Unknown encodings stay as they are.
pub(crate) fn decode(bytes: &Bytes, encoding: Option<&str>) -> Decoded {
    let mut decoded = Decoded { bytes: bytes.clone(), cut: false };
    let stack = encoding.unwrap_or_default();
    if stack.split(',').count() > DEEPEST {
        return decoded;
    }
    // The last encoding named was applied last.
    for encoding in stack.rsplit(',').map(str::trim) {
        let (input, cut) = (decoded.bytes.clone(), decoded.cut);
        decoded = match encoding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => unpack(flate2::read::MultiGzDecoder::new(input.as_ref()), &input),
            "deflate" => deflate(&input),
            "br" => unpack(brotli::Decompressor::new(input.as_ref(), 4096), &input),
            "zstd" => zstd(&input),
            _ => decoded,
        };
        decoded.cut |= cut;
    }
    decoded
}

fn zstd(input: &Bytes) -> Decoded {
    let decoder = zstd::stream::read::Decoder::new(input.as_ref()).and_then(|mut decoder| {
        decoder.window_log_max(ZSTD_WINDOW)?;
        Ok(decoder)
    });
    decoder.map_or_else(|_| Decoded { bytes: input.clone(), cut: false }, |decoder| unpack(decoder, input))
}

/// HTTP's deflate is zlib; some send the raw stream.
fn deflate(input: &Bytes) -> Decoded {
    let zlib = unpack(flate2::read::ZlibDecoder::new(input.as_ref()), input);
    if zlib.bytes != *input { zlib } else { unpack(flate2::read::DeflateDecoder::new(input.as_ref()), input) }
}

fn unpack(decoder: impl Read, input: &Bytes) -> Decoded {
    let mut output = Vec::new();
    // An error leaves what was decoded before it; a stream that broke off is worth reading so far.
    let result = decoder.take(LARGEST + 1).read_to_end(&mut output);
    if output.is_empty() && result.is_err() {
        return Decoded { bytes: input.clone(), cut: false };
    }
    let cut = output.len() as u64 > LARGEST;
    output.truncate(usize::try_from(LARGEST).unwrap_or(usize::MAX));
    Decoded { bytes: output.into(), cut }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_encoding_is_undone() {
        let text = "data: {\"a\":1}\n\n".repeat(50).into_bytes();
        let mut brotli = Vec::new();
        brotli::CompressorWriter::new(&mut brotli, 4096, 5, 20).write_all(&text).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(&text).unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        raw.write_all(&text).unwrap();
        for (encoding, bytes) in [
            ("gzip", gzip(&text)),
            ("GZIP", gzip(&text)),
            ("br", brotli),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("zstd", zstd::bulk::compress(&text, 3).unwrap()),
            ("gzip, zstd", zstd::bulk::compress(&gzip(&text), 3).unwrap()),
            ("identity", text.clone()),
            ("unheard-of", text.clone()),
        ] {
            assert_eq!(decode(&bytes.into(), Some(encoding)).bytes, text, "{encoding}");
        }
    }

    #[test]
    fn bombs_are_bounded() {
        let zeros = vec![0; 40 << 20];
        let mut bomb = gzip(&zeros);
        let decoded = decode(&bomb.clone().into(), Some("gzip"));
        assert!(decoded.cut && decoded.bytes.len() as u64 == LARGEST);
        bomb = gzip(&gzip(&bomb));
        let decoded = decode(&bomb.clone().into(), Some("gzip, gzip, gzip"));
        assert!(decoded.cut && decoded.bytes.len() as u64 == LARGEST, "a stack of them too");
        let joke = ["gzip"; 100].join(",");
        assert_eq!(decode(&bomb.clone().into(), Some(&joke)).bytes, bomb, "nobody means that");
        // A frame of a few bytes that asks for 128 MB: magic, descriptor, window descriptor, an empty last block.
        let greedy = Bytes::from_static(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00]);
        assert_eq!(decode(&greedy, Some("zstd")).bytes, greedy, "it does not get it");
    }

    #[test]
    fn a_cut_stream_gives_its_beginning_and_rubbish_stays_itself() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = gzip(&text);
        let half = Bytes::from(packed[..packed.len() / 2].to_vec());
        let decoded = decode(&half, Some("gzip")).bytes;
        assert!(!decoded.is_empty() && text.starts_with(&decoded));
        let rubbish = Bytes::from_static(b"not gzip at all");
        assert_eq!(decode(&rubbish, Some("gzip")).bytes, rubbish);
    }
}
