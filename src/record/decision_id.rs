//! The id of a decision: a random UUID (RFC 9562, version 4).

use std::cell::RefCell;

use aws_lc_rs::rand;
use uuid::{Builder, Uuid, fmt::Hyphenated};

const ID: usize = 16;
/// How many ids are made from one call of the random generator. A call for more bytes hardly costs more.
const AT_ONCE: usize = 64;

/// Random bytes that are not used yet.
struct Drawn {
    bytes: [u8; ID * AT_ONCE],
    used: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> = const {
        RefCell::new(Drawn {
            bytes: [0; ID * AT_ONCE],
            used: ID * AT_ONCE,
        })
    };
}

/// A new id.
pub(super) fn decision_id() -> String {
    let id = DRAWN
        .with_borrow_mut(Drawn::next)
        .unwrap_or_else(Uuid::new_v4);
    let mut text = [0; Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text).to_owned()
}

impl Drawn {
    /// `None` if the generator fails. Then the system is asked.
    fn next(&mut self) -> Option<Uuid> {
        if self.used == self.bytes.len() {
            rand::fill(&mut self.bytes).ok()?;
            self.used = 0;
        }
        let bytes = self.bytes.get(self.used..)?.first_chunk::<ID>()?;
        self.used += ID;
        Some(Builder::from_random_bytes(*bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn ids_are_random_uuids_and_no_two_are_equal() {
        let some = || (0..AT_ONCE * 3).map(|_| decision_id()).collect::<Vec<_>>();
        let others = thread::spawn(some).join().unwrap();
        let all: HashSet<String> = some().into_iter().chain(others).collect();
        assert_eq!(all.len(), AT_ONCE * 6);
        for id in &all {
            assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4, "{id}");
            assert_eq!(id, &id.to_lowercase());
        }
    }
}
