//! Properties of every request: a printed request is read in the same way, in any spelling.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{path, query, *};

/// A segment that can be an id: neither refused nor a word of the routes.
fn id() -> impl Strategy<Value = String> {
    "[^/\\\\%?#;\\p{C}\\p{Z}]{1,12}".prop_filter("must be readable as an id", |id| {
        reachable_collection_id(id).is_ok()
    })
}

/// The text, with some bytes percent-encoded that need not be.
fn spelt(text: &str, choice: &[bool]) -> String {
    let mut plain = String::new();
    path::push_segments(text.split('/'), &mut plain);
    let mut spelt = String::new();
    let mut rest = plain.chars();
    let mut choice = choice.iter().cycle();
    while let Some(c) = rest.next() {
        if c == '%' {
            spelt.push(c);
            spelt.extend(rest.by_ref().take(2));
        } else if c != '/' && *choice.next().unwrap_or(&false) {
            let _ = write!(spelt, "%{:02x}", u32::from(c));
        } else {
            spelt.push(c);
        }
    }
    spelt
}

fn get(target: &[u8]) -> Result<Resource, Refusal> {
    Reader::default().read(&RawRequest {
        method: "GET",
        target,
        headers: &Headers::default(),
        body: b"",
        is_partial: false,
    })
}

proptest! {
    #[test]
    fn any_bytes_read_and_printed_read_the_same(target in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(first) = get(&target) {
            let again = get(first.canonical_path().as_bytes());
            prop_assert_eq!(again, Ok(first));
        }
    }

    #[test]
    fn an_id_is_read_however_it_is_spelt(
        ids in prop::collection::vec(id(), 1..4),
        choice in prop::collection::vec(any::<bool>(), 1..16),
    ) {
        let id = ids.join("/");
        let target = format!("/collections/{}/items", spelt(&id, &choice));
        let read = get(target.as_bytes());
        prop_assert_eq!(read.as_ref().map(Resource::collection), Ok(Some(id.as_str())), "{}", target);
        let plain = get(format!("/collections/{}/items", spelt(&id, &[false])).as_bytes());
        prop_assert_eq!(read, plain);
    }

    #[test]
    fn a_query_printed_reads_the_same(
        pairs in prop::collection::btree_map("[^\\p{C}\\p{Zl}\\p{Zp}\u{fffd}]{0,8}", "[^\\p{C}\\p{Zl}\\p{Zp}\u{fffd}]{0,20}", 0..6),
    ) {
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let mut printed = String::new();
        path::push_query(&pairs, &mut printed);
        let read = query::read(printed.strip_prefix('?').map(str::as_bytes));
        prop_assert_eq!(read, Ok(pairs), "{}", printed);
    }

    #[test]
    fn numbers_of_a_bbox_are_those_that_were_written(
        a in -180.0..180.0_f64, b in -90.0..0.0_f64, c in -180.0..180.0_f64, d in 0.0..90.0_f64,
    ) {
        let read = get(format!("/collections/obs/items?bbox={a},{b},{c},{d}").as_bytes());
        let seen = read.ok().and_then(|read| serde_json::to_value(read).ok());
        prop_assert_eq!(seen.map(|seen| seen["params"]["bbox"].clone()), Some(serde_json::json!([a, b, c, d])));
    }
}
