//! Writes a protobuf message field by field, without building structures first.
//!
//! Fields with the default value of their type are omitted, as in proto3.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

use prost::{encode_length_delimiter, length_delimiter_len};

const VARINT: u32 = 0;
const I64: u32 = 1;
const LEN: u32 = 2;

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// An empty message with room for this many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Its bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds a number that is not negative, or an enumeration's value.
    pub(super) fn number(&mut self, field: u32, number: u32) {
        if number != 0 {
            self.number_even_if_zero(field, number);
        }
    }

    /// Like `number`, for a member of a `oneof`, which is written even if it is zero.
    pub(super) fn number_even_if_zero(&mut self, field: u32, number: u32) {
        self.key(field, VARINT);
        self.varint(number as usize);
    }

    /// Adds a member of a `oneof` that is a double.
    pub(super) fn double(&mut self, field: u32, number: f64) {
        self.key(field, I64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds a text.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.text_even_if_empty(field, text);
        }
    }

    /// Like `text`, for a repeated field or a member of a `oneof`, which is written even if it is empty.
    pub(super) fn text_even_if_empty(&mut self, field: u32, text: &str) {
        self.key(field, LEN);
        self.varint(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Adds a nested message, which `write` fills.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, LEN);
        // Most nested messages are short: one byte is enough for their length. Longer ones are moved.
        self.0.push(0);
        let start = self.0.len();
        write(self);
        let length = self.0.len() - start;
        let more = length_delimiter_len(length) - 1;
        if more > 0 {
            self.0.resize(start + length + more, 0);
            self.0.copy_within(start..start + length, start + more);
        }
        if let Some(mut place) = self.0.get_mut(start - 1..start + more) {
            // The length was measured, so this never overflows.
            let _ = encode_length_delimiter(length, &mut place);
        }
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint((field << 3 | wire_type) as usize);
    }

    fn varint(&mut self, number: usize) {
        match u8::try_from(number) {
            Ok(byte @ ..0x80) => self.0.push(byte),
            // Writing to a vector cannot fail.
            _ => drop(encode_length_delimiter(number, &mut self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind};
    use prost::Message as _;

    use super::*;

    #[test]
    fn what_is_written_is_what_prost_reads() {
        for length in [
            0, 1, 100, 121, 122, 123, 127, 128, 16_370, 16_384, 20_000, 2_100_000,
        ] {
            let text = "x".repeat(length);
            let mut message = Message::default();
            message.message(1, |entry| {
                entry.text(1, "name");
                entry.message(2, |value| value.text_even_if_empty(3, &text));
            });
            message.message(1, |entry| {
                entry.text(1, "");
                entry.message(2, |value| value.double(2, -1.5));
            });
            let read = Struct::decode(message.into_bytes().as_slice()).unwrap();
            let kind = |name: &str| read.fields[name].kind.clone().unwrap();
            assert_eq!(kind("name"), Kind::StringValue(text));
            assert_eq!(kind(""), Kind::NumberValue(-1.5));
        }
    }

    #[test]
    fn defaults_are_told_only_where_they_mean_something() {
        let mut message = Message::default();
        message.number(1, 0);
        message.text(2, "");
        assert_eq!(message.into_bytes(), b"");
        let mut message = Message::default();
        message.number_even_if_zero(4, 0);
        let read = Value::decode(message.into_bytes().as_slice()).unwrap();
        assert_eq!(read.kind, Some(Kind::BoolValue(false)));
        let mut message = Message::default();
        message.number(1, 300);
        assert_eq!(message.into_bytes(), [0x08, 0xac, 0x02]);
    }
}
