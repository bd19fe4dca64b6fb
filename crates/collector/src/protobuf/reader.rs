//! Protobuf's wire format: tags, varints, fixed and counted fields, groups passed over. Knows no message.

use crate::decode::Unreadable;

/// One field's value as it lies in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The bytes are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(format!(
            "the body is not the protobuf message that this path takes ({}); check that the exporter speaks OTLP, and that its Content-Type and Content-Encoding say what it sends",
            malformed.0
        ))
    }
}

/// A message's fields, one after another; after a mistake there are none.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field; `None` for a group, which nothing of OTLP has.
    #[inline]
    fn field(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        let tag = varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed("a field number is too large"))?;
        if number == 0 {
            return Err(Malformed("a field has the number 0"));
        }
        if tag & 7 == 3 {
            return self.pass_group().map(|()| None);
        }
        Ok(Some((number, self.value(tag & 7)?)))
    }

    #[inline]
    fn value(&mut self, wire_type: u64) -> Result<Field<'a>, Malformed> {
        Ok(match wire_type {
            0 => Field::Varint(varint(&mut self.rest)?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = varint(&mut self.rest)?;
                Field::Bytes(self.bytes(usize::try_from(length).map_err(|_| SHORT)?)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Malformed("a field has an unknown type")),
        })
    }

    #[inline]
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(SHORT)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// However deep: it counts instead of calling itself.
    fn pass_group(&mut self) -> Result<(), Malformed> {
        let mut depth = 1_u32;
        while depth > 0 {
            match varint(&mut self.rest)? & 7 {
                3 => depth += 1,
                4 => depth -= 1,
                other => {
                    self.value(other)?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Field<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.field() {
                Ok(None) => {}
                Ok(Some(field)) => return Some(Ok(field)),
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

const SHORT: Malformed = Malformed("it ends too early");

/// Takes a varint off the front.
#[inline]
pub(crate) fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    if let [byte @ 0..=0x7f, after @ ..] = *rest {
        *rest = after;
        return Ok(u64::from(*byte));
    }
    let mut value = 0_u64;
    for (index, byte) in rest.iter().take(10).enumerate() {
        // Bits beyond 64 are lost, as every reader of protobuf loses them.
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *rest = rest.get(index + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(if rest.len() < 10 { SHORT } else { Malformed("a number is longer than ten bytes") })
}

/// A repeated number's values: packed, or one alone.
pub(crate) fn doubles(field: Field<'_>, into: &mut Vec<f64>) {
    match field {
        Field::Bytes(packed) => {
            into.extend(packed.as_chunks().0.iter().map(|chunk| f64::from_le_bytes(*chunk)));
        }
        Field::Fixed64(bits) => into.push(f64::from_bits(bits)),
        Field::Varint(_) | Field::Fixed32(_) => {}
    }
}

/// As [`doubles`].
pub(crate) fn fixed(field: Field<'_>, into: &mut Vec<u64>) {
    match field {
        Field::Bytes(packed) => {
            into.extend(packed.as_chunks().0.iter().map(|chunk| u64::from_le_bytes(*chunk)));
        }
        Field::Fixed64(value) => into.push(value),
        Field::Varint(_) | Field::Fixed32(_) => {}
    }
}

/// As [`doubles`].
pub(crate) fn varints(field: Field<'_>, into: &mut Vec<u64>) -> Result<(), Malformed> {
    match field {
        Field::Bytes(mut packed) => {
            while !packed.is_empty() {
                into.push(varint(&mut packed)?);
            }
        }
        Field::Varint(value) => into.push(value),
        Field::Fixed64(_) | Field::Fixed32(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u32, Field<'_>)>, Malformed> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn fields_of_every_type_are_read() {
        let bytes = b"\x08\x96\x01\x11\x01\0\0\0\0\0\0\0\x1a\x02hi\x25\x02\0\0\0";
        let wanted = vec![
            (1, Field::Varint(150)),
            (2, Field::Fixed64(1)),
            (3, Field::Bytes(b"hi")),
            (4, Field::Fixed32(2)),
        ];
        assert_eq!(read(bytes), Ok(wanted));
        assert_eq!(read(b""), Ok(vec![]));
    }

    #[test]
    fn groups_are_passed_over_however_deep() {
        let deep = [vec![0x0b; 100_000], vec![0x0c; 100_000], vec![0x08, 0x05]].concat();
        assert_eq!(read(&deep), Ok(vec![(1, Field::Varint(5))]));
        assert_eq!(read(b"\x0b\x08\x01\x0c").map(|fields| fields.len()), Ok(0), "a group at the end");
    }

    #[test]
    fn what_is_cut_or_impossible_is_malformed() {
        let cut: [&[u8]; 9] = [
            b"\x08",
            b"\x08\xff",
            b"\x0a\x05abc",
            b"\x09\x01",
            b"\x0d\x01",
            b"\x0b\x08\x01",
            b"\x00\x01",
            b"\x0f",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ];
        for bytes in cut {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let mut largest: &[u8] = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(varint(&mut largest), Ok(u64::MAX));
    }

    #[test]
    fn repeated_numbers_are_read_packed_and_alone() {
        let mut values = Vec::new();
        varints(Field::Bytes(b"\x01\xac\x02"), &mut values).unwrap();
        varints(Field::Varint(7), &mut values).unwrap();
        fixed(Field::Bytes(&[9, 0, 0, 0, 0, 0, 0, 0]), &mut values);
        assert_eq!(values, [1, 300, 7, 9]);
    }
}
