//! The bytes of a message that have arrived.

use std::collections::VecDeque;

use memmap2::MmapMut;
use prost::bytes::{Bytes, BytesMut};

/// The size of a message's prefix: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// The largest piece of a small message, in bytes: the default size of an HTTP/2 frame.
const PIECE: usize = 16 * 1024;
/// The size of the pieces of larger messages, in bytes. They are whole pages, which the system gets back as soon as
/// they are dropped. An allocator would keep the memory of a burst for long.
const LARGE: usize = 128 * 1024;

/// Collects frames until their messages are complete.
#[derive(Debug, Default)]
pub(super) struct FrameBuffer {
    /// A single frame as it arrived: a whole small message.
    first: Option<Bytes>,
    /// Copies of larger messages. A frame is part of a larger buffer, and keeping it would keep the whole buffer. They
    /// are copied in pieces, since a growing buffer would be moved and leave the old one behind.
    pieces: VecDeque<Piece>,
    room: usize,
    /// The beginning of a prefix.
    prefix: Vec<u8>,
    /// The missing bytes of the message that has begun.
    left: usize,
    is_too_long: bool,
}

impl FrameBuffer {
    /// Adds a frame. A message of more than `longest` bytes is marked.
    pub(super) fn take_up(&mut self, data: Bytes, longest: usize) {
        self.follow(&data, longest);
        if self.first.is_none() && self.pieces.is_empty() {
            self.room = data.len();
            self.first = Some(data);
        } else {
            self.copy_first();
            self.copy(&data);
        }
    }

    /// Copies the first frame, so that its larger buffer can be freed.
    pub(super) fn copy_first(&mut self) {
        if let Some(first) = self.first.take() {
            self.room = 0;
            self.copy(&first);
        }
    }

    fn copy(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let free = self.pieces.back().map_or(0, Piece::free);
            if free == 0 {
                self.pieces.push_back(self.another(data.len()));
                continue;
            }
            let (now, later) = data.split_at(free.min(data.len()));
            if let Some(piece) = self.pieces.back_mut() {
                self.room += piece.extend(now);
            }
            data = later;
        }
    }

    /// Adds a piece for this many bytes, or for as many as there are already.
    fn another(&self, wanted: usize) -> Piece {
        if self.room >= PIECE
            && let Ok(map) = MmapMut::map_anon(LARGE)
        {
            return Piece::Pages { map, used: 0 };
        }
        Piece::Heap(BytesMut::with_capacity(wanted.max(self.room).min(PIECE)))
    }

    /// Finds where one message ends and the next begins.
    fn follow(&mut self, mut data: &[u8], longest: usize) {
        while !data.is_empty() {
            let passed = self.left.min(data.len());
            self.left -= passed;
            data = data.get(passed..).unwrap_or_default();
            let (now, later) = data.split_at(data.len().min(PREFIX - self.prefix.len()));
            if self.left == 0 {
                self.prefix.extend_from_slice(now);
                data = later;
            }
            if let [_, a, b, c, d] = *self.prefix.as_slice() {
                let length = u32::from_be_bytes([a, b, c, d]);
                self.left = usize::try_from(length).unwrap_or(usize::MAX);
                self.is_too_long |= self.left > longest;
                self.prefix.clear();
            }
        }
    }

    /// The memory it uses, in bytes.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Whether it ends with a complete message, or is too long and will be rejected.
    pub(super) fn is_of_use(&self) -> bool {
        self.is_too_long || self.left == 0 && self.prefix.is_empty()
    }

    /// Takes what has arrived, piece by piece.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let first = self.first.take();
        let next = first.or_else(|| Some(self.pieces.pop_front()?.frozen()));
        if next.is_none() {
            self.room = 0;
        }
        next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.pieces.is_empty()
    }
}

#[derive(Debug)]
enum Piece {
    Heap(BytesMut),
    Pages { map: MmapMut, used: usize },
}

impl Piece {
    fn free(&self) -> usize {
        match self {
            Self::Heap(piece) => piece.capacity() - piece.len(),
            Self::Pages { map, used } => map.len() - used,
        }
    }

    /// Adds the bytes that fit, and returns how much memory the piece uses then.
    fn extend(&mut self, data: &[u8]) -> usize {
        match self {
            Self::Heap(piece) => {
                let is_new = piece.is_empty();
                piece.extend_from_slice(data);
                if is_new { piece.capacity() } else { 0 }
            }
            // Pages that are never written to use no memory.
            Self::Pages { map, used } => {
                if let Some(room) = map.get_mut(*used..*used + data.len()) {
                    room.copy_from_slice(data);
                }
                *used += data.len();
                data.len()
            }
        }
    }

    fn frozen(self) -> Bytes {
        match self {
            Self::Heap(piece) => piece.freeze(),
            Self::Pages { map, used } => Bytes::from_owner(Used { map, used }),
        }
    }
}

/// The pages that were written to.
struct Used {
    map: MmapMut,
    used: usize,
}

impl AsRef<[u8]> for Used {
    fn as_ref(&self) -> &[u8] {
        self.map.get(..self.used).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u8) -> Vec<u8> {
        let mut message = vec![0, 0, 0, 0, length];
        message.resize(PREFIX + usize::from(length), length);
        message
    }

    #[test]
    fn messages_are_whole_however_they_are_cut() {
        let whole = [message(3), message(0), message(200)].concat();
        let ends = [8, 13, whole.len()];
        for size in 1..whole.len() {
            let mut frame_buffer = FrameBuffer::default();
            let mut count = 0;
            for frame in whole.chunks(size) {
                frame_buffer.take_up(Bytes::copy_from_slice(frame), 200);
                count += frame.len();
                assert_eq!(
                    frame_buffer.is_of_use(),
                    ends.contains(&count),
                    "{size}: {count}"
                );
            }
            assert!(frame_buffer.room() <= 2 * whole.len(), "{size}");
            let mut all = Vec::new();
            while let Some(piece) = frame_buffer.take() {
                all.extend_from_slice(&piece);
            }
            assert_eq!(all, whole, "{size}");
            assert!(frame_buffer.is_empty() && frame_buffer.room() == 0);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_on_at_once() {
        let mut frame_buffer = FrameBuffer::default();
        frame_buffer.take_up(Bytes::from_static(&[0, 0, 0, 0, 201]), 200);
        assert!(frame_buffer.is_of_use());
    }

    #[test]
    fn large_messages_take_little_more_than_they_are() {
        let mut frame_buffer = FrameBuffer::default();
        frame_buffer.take_up(Bytes::from_static(&[0, 0, 13, 187, 160]), 1 << 20);
        for _ in 0..900 {
            assert!(!frame_buffer.is_of_use());
            frame_buffer.take_up(Bytes::from_static(&[1; 1000]), 1 << 20);
        }
        assert!(
            frame_buffer.room() < 900_005 + PIECE,
            "{}",
            frame_buffer.room()
        );
        assert!(frame_buffer.is_of_use());
        let mut all = Vec::new();
        while let Some(piece) = frame_buffer.take() {
            all.extend_from_slice(&piece);
        }
        assert!(all.len() == 900_005 && all[5..].iter().all(|byte| *byte == 1));
    }
}
