//! Reads the fields of a protobuf message. Values are borrowed from the message, so that nothing is copied.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

use std::str;

use thiserror::Error;

/// The bytes are not a protobuf message, or not the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a CheckRequest, found other bytes")]
pub(super) struct Malformed;

const VARINT: u64 = 0;
const I64: u64 = 1;
const LEN: u64 = 2;
const I32: u64 = 5;

/// The remaining fields of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    /// The field number.
    pub(super) number: u64,
    value: Value<'a>,
}

/// The value, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Varint(u64),
    /// Text, bytes, or a message.
    Len(&'a [u8]),
    /// A value of fixed size. geowarden reads none.
    Fixed,
}

impl<'a> Field<'a> {
    /// Its value as bytes.
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self.value {
            Value::Len(bytes) => Ok(bytes),
            Value::Varint(_) | Value::Fixed => Err(Malformed),
        }
    }

    /// Its value as a number.
    pub(super) fn number(self) -> Result<u64, Malformed> {
        match self.value {
            Value::Varint(number) => Ok(number),
            Value::Len(_) | Value::Fixed => Err(Malformed),
        }
    }

    /// Its value as text.
    pub(super) fn text(self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// The fields of the nested message.
    pub(super) fn fields(self) -> Result<Fields<'a>, Malformed> {
        self.bytes().map(Fields)
    }
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The next field.
    pub(super) fn next_field(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 || key > u64::from(u32::MAX) {
            return Err(Malformed);
        }
        let value = match key & 7 {
            LEN => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| Malformed)?;
                Value::Len(self.take(length)?)
            }
            VARINT => Value::Varint(self.varint()?),
            I64 => self.take(8).map(|_| Value::Fixed)?,
            I32 => self.take(4).map(|_| Value::Fixed)?,
            // Groups, which protobuf no longer uses, and wire types that it does not define.
            _ => return Err(Malformed),
        };
        Ok(Some(Field { number, value }))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.0 {
            [byte @ ..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            _ => prost::decode_length_delimiter(&mut self.0)
                .map(|number| number as u64)
                .map_err(|_| Malformed),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    type Shown<'a> = (u64, Value<'a>);

    fn all(mut fields: Fields<'_>) -> Result<Vec<Shown<'_>>, Malformed> {
        let mut all = Vec::new();
        while let Some(field) = fields.next_field()? {
            all.push((field.number, field.value));
        }
        Ok(all)
    }

    #[test]
    fn fields_of_every_wire_type_are_told_apart() {
        let message = [
            0x08, 0x96, 0x01, // 1: VARINT 150
            0x11, 1, 2, 3, 4, 5, 6, 7, 8, // 2: I64
            0x1d, 1, 2, 3, 4, // 3: I32
            0x22, 2, b'h', b'i', // 4: LEN
            0x82, 0x01, 0, // 16: LEN, empty
        ];
        assert_eq!(
            all(Fields::of(&message)).unwrap(),
            [
                (1, Value::Varint(150)),
                (2, Value::Fixed),
                (3, Value::Fixed),
                (4, Value::Len(b"hi")),
                (16, Value::Len(b""))
            ]
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for message in [
            &[0x02, 0x00][..], // field 0
            &[0x0a],           // no length
            &[0x0a, 2, b'h'],  // cut off
            &[
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ], // longer than all
            &[0x08, 0x80],     // a varint without an end
            &[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ], // eleven bytes
            &[0x09, 1, 2, 3],  // I64 cut off
            &[0x0d, 1],        // I32 cut off
            &[0x0b, 0x0c],     // a group
            &[0x0e],           // wire type 6
            &[0x82, 0x80, 0x80, 0x80, 0x10, 0], // a key beyond 32 bits
        ] {
            assert_eq!(all(Fields::of(message)), Err(Malformed), "{message:?}");
        }
    }
}
