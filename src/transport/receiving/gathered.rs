//! The bytes of a message that have arrived.

use std::collections::VecDeque;

use memmap2::MmapMut;
use prost::bytes::{Bytes, BytesMut};

/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// The largest piece of a small message, in bytes: that of a frame, by HTTP/2's default.
const PIECE: usize = 16 * 1024;
/// The pieces of what is more than that, in bytes. They are pages of their own, which the system has back as soon as they
/// are dropped: an allocator would keep for long what a burst of large messages took.
const LARGE: usize = 128 * 1024;

/// Frames of messages, until those are whole.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// One frame as it came, which is all of a small message.
    first: Option<Bytes>,
    /// Copies of more: frames are parts of a larger buffer, which a small one must not keep alive. In pieces, since growing
    /// would move them, and leave what was too small behind.
    pieces: VecDeque<Piece>,
    room: usize,
    /// The begin of a prefix.
    prefix: Vec<u8>,
    /// What is left of the message that has begun.
    left: usize,
    is_too_long: bool,
}

impl Gathered {
    /// Takes up a frame; a message of more than `longest` bytes is told apart.
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

    /// No larger buffer is kept alive from now on.
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

    /// Another piece, for so many bytes or as many as there are already.
    fn another(&self, wanted: usize) -> Piece {
        if self.room >= PIECE
            && let Ok(map) = MmapMut::map_anon(LARGE)
        {
            return Piece::Pages { map, used: 0 };
        }
        Piece::Heap(BytesMut::with_capacity(wanted.max(self.room).min(PIECE)))
    }

    /// Where one message ends and the next begins.
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

    /// The bytes that it takes.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Whether it ends where a message does, or will be refused by its length.
    pub(super) fn is_of_use(&self) -> bool {
        self.is_too_long || self.left == 0 && self.prefix.is_empty()
    }

    /// What has come, piece by piece.
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

    /// Adds what it has room for, and returns how much more it takes then.
    fn extend(&mut self, data: &[u8]) -> usize {
        match self {
            Self::Heap(piece) => {
                let is_new = piece.is_empty();
                piece.extend_from_slice(data);
                if is_new { piece.capacity() } else { 0 }
            }
            // Pages that are not written to take nothing.
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
            let mut gathered = Gathered::default();
            let mut count = 0;
            for frame in whole.chunks(size) {
                gathered.take_up(Bytes::copy_from_slice(frame), 200);
                count += frame.len();
                assert_eq!(
                    gathered.is_of_use(),
                    ends.contains(&count),
                    "{size}: {count}"
                );
            }
            assert!(gathered.room() <= 2 * whole.len(), "{size}");
            let mut all = Vec::new();
            while let Some(piece) = gathered.take() {
                all.extend_from_slice(&piece);
            }
            assert_eq!(all, whole, "{size}");
            assert!(gathered.is_empty() && gathered.room() == 0);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_on_at_once() {
        let mut gathered = Gathered::default();
        gathered.take_up(Bytes::from_static(&[0, 0, 0, 0, 201]), 200);
        assert!(gathered.is_of_use());
    }

    #[test]
    fn large_messages_take_little_more_than_they_are() {
        let mut gathered = Gathered::default();
        gathered.take_up(Bytes::from_static(&[0, 0, 13, 187, 160]), 1 << 20);
        for _ in 0..900 {
            assert!(!gathered.is_of_use());
            gathered.take_up(Bytes::from_static(&[1; 1000]), 1 << 20);
        }
        assert!(gathered.room() < 900_005 + PIECE, "{}", gathered.room());
        assert!(gathered.is_of_use());
        let mut all = Vec::new();
        while let Some(piece) = gathered.take() {
            all.extend_from_slice(&piece);
        }
        assert!(all.len() == 900_005 && all[5..].iter().all(|byte| *byte == 1));
    }
}
