//! Reads any bytes as a request target: nothing panics, and the canonical target reads as the same resource.
#![no_main]

use geowarden_ogc::{Backend, Headers, RawRequest, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|target: &[u8]| {
    let headers = Headers::default();
    for (base_path, backend) in [
        ("", Backend::Flask),
        ("/geoapi", Backend::Flask),
        ("", Backend::Starlette),
    ] {
        let Ok(reader) = Reader::new(base_path, backend) else {
            continue;
        };
        let ask = |target| {
            reader.read(&RawRequest {
                method: "GET",
                target,
                headers: &headers,
                body: b"",
                is_partial: false,
            })
        };
        if let Ok(first) = ask(target) {
            let again = ask(first.canonical_path().as_bytes());
            assert_eq!(again.as_ref(), Ok(&first));
        }
    }
});
