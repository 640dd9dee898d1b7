//! Measures the cost of reading a request, in time and allocations.
//!
//! The floor is a copy of the target and one pass over its bytes.
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
            is_partial: false,
        })
    });
}

/// Requests that anybody can send, by kind and size in bytes. geowarden reads them before it authenticates the caller.
const SENT: [(&str, usize); 21] = [
    ("value", 1_900),
    ("value", 3_800),
    ("value", 7_600),
    ("names", 1_900),
    ("names", 3_800),
    ("names", 7_600),
    ("escapes", 1_900),
    ("escapes", 3_800),
    ("escapes", 7_600),
    ("points", 1_900),
    ("points", 3_800),
    ("points", 7_600),
    ("headers", 1_900),
    ("headers", 3_800),
    ("headers", 7_600),
    ("accept", 1_900),
    ("accept", 3_800),
    ("accept", 7_600),
    ("body", 1_900),
    ("body", 3_800),
    ("body", 7_600),
];

/// One request of a kind.
struct Sent {
    method: &'static str,
    target: String,
    headers: Headers,
    body: String,
}

impl Sent {
    fn of(kind: &str, size: usize) -> Self {
        let numbered = |word: &str, between: &str, most: usize| -> String {
            let words = (0..most).map(|number| format!("{word}{number}{between}"));
            let mut length = 0;
            let words = words.take_while(|word| {
                length += word.len();
                length <= size
            });
            words.collect()
        };
        let items = "/collections/obs/items?";
        let mut sent = Self {
            method: "GET",
            target: format!("{items}limit=1"),
            headers: [("accept", "*/*")].into_iter().collect(),
            body: String::new(),
        };
        match kind {
            "value" => sent.target = format!("{items}name={}", "a".repeat(size)),
            // More than 256 parameters are refused, so each is long enough to fill the size.
            "names" => {
                let names = (0..250).map(|number| format!("p{number}{}", "n".repeat(size / 250)));
                sent.target = format!("{items}{}", names.collect::<Vec<_>>().join("&"));
                sent.target.truncate(items.len() + size);
            }
            "escapes" => sent.target = format!("{items}name={}", "%41".repeat(size / 3)),
            "points" => {
                let points = "1+1,".repeat(size / 4);
                sent.target = format!("/collections/obs/area?coords=MULTIPOINT({points}0+0)");
            }
            "headers" => {
                let names: Vec<String> = (0..size / 16)
                    .map(|number| format!("x-name-{number}"))
                    .collect();
                sent.headers = names.iter().map(|name| (name.as_str(), "value")).collect();
            }
            "accept" => {
                let types = numbered("text/a", ",", size);
                sent.headers = [("accept", types.as_str())].into_iter().collect();
            }
            _ => {
                sent.method = "POST";
                "/stac-api/search".clone_into(&mut sent.target);
                sent.headers = [("content-type", "application/json")].into_iter().collect();
                sent.body = format!("{{{}\"limit\":1}}", numbered("\"m", "\":1,", size));
            }
        }
        sent
    }
}

#[divan::bench(args = SENT)]
fn strangers(bencher: Bencher<'_, '_>, (kind, size): (&str, usize)) {
    let reader = Reader::new("", Backend::Flask).unwrap();
    let sent = Sent::of(kind, size);
    let read = || {
        reader.read(&RawRequest {
            method: sent.method,
            target: black_box(&sent.target).as_bytes(),
            headers: &sent.headers,
            body: sent.body.as_bytes(),
            is_partial: false,
        })
    };
    assert!(read().is_ok(), "{kind}: what is refused is quick");
    bencher.bench(read);
}
