//! Reads any bytes as a query, on routes with parameters of different types.
#![no_main]

use geowarden_ogc::{Headers, RawRequest, Reader};
use libfuzzer_sys::fuzz_target;

const PATHS: [&[u8]; 6] = [
    b"/collections/obs/items?",
    b"/collections/obs/coverage?",
    b"/collections/obs/map?",
    b"/collections/obs/area?",
    b"/stac-api/search?",
    b"/jobs?",
];

fuzz_target!(|query: &[u8]| {
    let reader = Reader::default();
    let headers = Headers::default();
    for path in PATHS {
        let ask = |target: &[u8]| {
            reader.read(&RawRequest {
                method: "GET",
                target,
                headers: &headers,
                body: b"",
                is_partial: false,
            })
        };
        if let Ok(first) = ask(&[path, query].concat()) {
            assert!(serde_json::to_value(&first).is_ok());
            let again = ask(first.canonical_path().as_bytes());
            assert_eq!(again.as_ref(), Ok(&first));
        }
    }
});
