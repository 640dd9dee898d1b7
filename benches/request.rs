//! What reading a request costs, in time and allocations.
//!
//! The floor of the run is a copy of the target and one walk over its bytes.
#![allow(clippy::unwrap_used)] // a bench that cannot be set up has no figure

use divan::{AllocProfiler, Bencher, black_box};
use geowarden::request::{
    Headers,
    ogc::{Backend, RawRequest, Reader},
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const TARGETS: [&str; 5] = [
    "/",
    "/collections/obs",
    "/collections/obs/items?bbox=1,2,3,4&limit=10",
    "/collections/ns/roads/items?bbox=1.5,2.5,3.5,4.5&limit=10&datetime=2020-01-01/..&properties=a,b&sortby=-a&f=json",
    "/collections/obs/tiles/WebMercatorQuad/10/5/7?f=mvt",
];

#[divan::bench(args = TARGETS)]
fn floor_copy(bencher: Bencher<'_, '_>, target: &str) {
    bencher.bench(|| {
        let copy = black_box(target).to_owned();
        copy.bytes().filter(|byte| *byte == b'/').count()
    });
}

#[divan::bench(args = TARGETS)]
fn read(bencher: Bencher<'_, '_>, target: &str) {
    let reader = Reader::new("", Backend::Flask).unwrap();
    let headers: Headers = [("accept", "*/*"), ("user-agent", "curl/8")]
        .into_iter()
        .collect();
    bencher.bench(|| {
        reader.read(&RawRequest {
            method: "GET",
            target: black_box(target).as_bytes(),
            headers: &headers,
            body: b"",
        })
    });
}
