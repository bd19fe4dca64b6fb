//! Writing protobuf's wire format. As proto3 says, what is the default is left out, unless it is `present`.

/// A message as it grows.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(crate) fn bare_varint(&mut self, mut value: u64) {
        loop {
            let low = value.to_le_bytes()[0] & 0x7f;
            value >>= 7;
            if value == 0 {
                return self.out.push(low);
            }
            self.out.push(low | 0x80);
        }
    }

    fn tag(&mut self, number: u32, wire_type: u64) {
        self.bare_varint(u64::from(number) << 3 | wire_type);
    }

    pub(crate) fn present_varint(&mut self, number: u32, value: u64) {
        self.tag(number, 0);
        self.bare_varint(value);
    }

    pub(crate) fn varint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.present_varint(number, value);
        }
    }

    /// Also an enum.
    pub(crate) fn int32(&mut self, number: u32, value: i32) {
        self.varint(number, i64::from(value).cast_unsigned());
    }

    pub(crate) fn sint32(&mut self, number: u32, value: i32) {
        self.varint(number, u64::from((value << 1 ^ value >> 31).cast_unsigned()));
    }

    pub(crate) fn present_fixed64(&mut self, number: u32, value: u64) {
        self.tag(number, 1);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.present_fixed64(number, value);
        }
    }

    pub(crate) fn fixed32(&mut self, number: u32, value: u32) {
        if value != 0 {
            self.tag(number, 5);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Bytes that may be none.
    pub(crate) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, 2);
        self.bare_varint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, number: u32, text: &str) {
        self.packed(number, text.as_bytes());
    }

    pub(crate) fn packed(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes(number, bytes);
        }
    }

    /// A message within this one.
    pub(crate) fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(number, &inner.out);
    }
}
