//! Compressed bodies, unpacked up to a limit. Leaves out reading them off the network (`body`).

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::problem::Problem;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Zstd,
}

/// Codings on top of each other that are taken apart.
const MAX_CODINGS: usize = 3;
/// The farthest that a zstd frame may look back; what is larger is memory that a few bytes could claim.
const ZSTD_WINDOW_LOG: u32 = 23;
/// Bytes unpacked between two looks at the room.
const STEP: usize = 256 * 1024;

impl Coding {
    /// The coding of this name; `Ok(None)` for one that changes nothing.
    pub(crate) fn named(name: &str) -> Result<Option<Self>, Problem> {
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Deflate)),
            "zstd" => Ok(Some(Self::Zstd)),
            other => Err(Problem::Unsupported(format!(
                "the compression {other:?} is not supported: set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none"
            ))),
        }
    }

    /// The codings of a body in the order in which they are taken off.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Vec<Self>, Problem> {
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().unwrap_or("?");
            for name in value.split(',') {
                codings.extend(Self::named(name.trim())?);
            }
        }
        if codings.len() > MAX_CODINGS {
            return Err(Problem::Unsupported("the body is compressed too often".to_owned()));
        }
        codings.reverse();
        Ok(codings)
    }

    /// Unpacks a body of at most `limit` bytes; `room` is asked for each stretch of it.
    pub(crate) fn unpack(
        self,
        packed: &[u8],
        limit: usize,
        room: &mut dyn FnMut(usize) -> Result<(), Problem>,
    ) -> Result<Vec<u8>, Problem> {
        let mut reader: Box<dyn Read + '_> = match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Deflate if is_zlib(packed) => Box::new(ZlibDecoder::new(packed)),
            Self::Deflate => Box::new(DeflateDecoder::new(packed)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed).map_err(|error| self.broken(&error))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|error| self.broken(&error))?;
                Box::new(decoder)
            }
        };
        let mut out = Vec::new();
        loop {
            room(packed.len() + out.len() + STEP)?;
            let step = STEP.min(limit + 1 - out.len());
            let read = reader
                .by_ref()
                .take(step as u64)
                .read_to_end(&mut out)
                .map_err(|error| self.broken(&error))?;
            if out.len() > limit {
                return Err(Problem::too_large(limit));
            }
            if read < step {
                return Ok(out);
            }
        }
    }

    fn broken(self, error: &io::Error) -> Problem {
        Problem::Malformed(format!(
            "the body is not the {self:?} data that its Content-Encoding says it is ({error})"
        ))
    }
}

/// `deflate` means zlib's format; some send the bare stream.
fn is_zlib(packed: &[u8]) -> bool {
    matches!(packed, [first, second, ..]
        if first & 15 == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

/// Whether a body is gzip's though nobody said so: no message of OTLP begins like this.
pub(crate) fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1f, 0x8b])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn unpack(coding: Coding, packed: &[u8], limit: usize) -> Result<Vec<u8>, Problem> {
        coding.unpack(packed, limit, &mut |_| Ok(()))
    }

    fn packed(data: &[u8]) -> Vec<(Coding, Vec<u8>)> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(data).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(data).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(data).unwrap();
        vec![
            (Coding::Gzip, gzip.finish().unwrap()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, raw.finish().unwrap()),
            (Coding::Zstd, zstd::encode_all(data, 1).unwrap()),
        ]
    }

    #[test]
    fn every_coding_is_unpacked_up_to_the_limit() {
        let data: Vec<u8> = (0..1_000_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        for (coding, packed) in packed(&data) {
            assert!(unpack(coding, &packed, data.len()).unwrap() == data, "{coding:?}");
            let over = unpack(coding, &packed, data.len() - 1);
            assert!(matches!(over, Err(Problem::TooLarge(_))), "{coding:?} {over:?}");
            let cut = unpack(coding, &packed[..packed.len() / 2], data.len());
            assert!(matches!(cut, Err(Problem::Malformed(_))), "{coding:?}");
        }
    }

    #[test]
    fn a_bomb_takes_no_more_than_the_limit_and_asks_for_room_on_the_way() {
        for (coding, packed) in packed(&vec![0; 64 << 20]) {
            let mut most = 0;
            let result = coding.unpack(&packed, 1 << 20, &mut |bytes| {
                most = most.max(bytes);
                Ok(())
            });
            assert!(matches!(result, Err(Problem::TooLarge(_))), "{coding:?}");
            assert!(most < (1 << 20) + packed.len() + 2 * STEP, "{coding:?} {most}");
            let refused = coding.unpack(&packed, 64 << 20, &mut |bytes| {
                if bytes > 3 << 20 { Err(Problem::too_large(1)) } else { Ok(()) }
            });
            assert!(refused.is_err(), "{coding:?}");
        }
    }

    #[test]
    fn members_of_gzip_follow_each_other() {
        let gzip = |data: &[u8]| packed(data).swap_remove(0).1;
        let both = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpack(Coding::Gzip, &both, 100).unwrap(), b"one two");
    }

    #[test]
    fn codings_are_read_from_the_header() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            Coding::of(&headers)
        };
        assert_eq!(of(&[]).unwrap(), []);
        assert_eq!(of(&["identity"]).unwrap(), []);
        assert_eq!(of(&["GZIP"]).unwrap(), [Coding::Gzip]);
        assert_eq!(of(&["deflate, zstd", "gzip"]).unwrap(), [Coding::Gzip, Coding::Zstd, Coding::Deflate]);
        for wrong in ["br", "gzip;q=1", "gzip, gzip, gzip, gzip"] {
            assert!(matches!(of(&[wrong]), Err(Problem::Unsupported(_))), "{wrong}");
        }
    }
}
