//! A request without a credential must cost in proportion to its size. If its cost grew faster, one client could slow down all
//! others.

use std::{
    fmt::Write as _,
    io::{Write as _, stdout},
};

use geowarden_bench::request::HttpAsk;

use super::{Failure, callgrind::count};

/// Sizes in bytes. Envoy accepts at most about 60 KB of headers, and geowarden at most 8,000 bytes of path and query.
const SIZES: [usize; 3] = [1_900, 3_800, 7_600];
/// The second doubling of the size may cost at most this many times twice the first. For quadratic work it is 2.
const MAX_INSTRUCTIONS: f64 = 1.4;
/// If a doubling costs fewer instructions, it is not checked: such requests are refused early.
const NOTHING: f64 = 30_000.0;

/// The kinds of text that fill a request up to a size.
const FILLINGS: [(&str, Filling); 12] = [
    ("names", |size| {
        get(&format!(
            "/collections/obs/items?{}",
            numbered("p", "&", size)
        ))
    }),
    ("value", |size| {
        get(&format!("/collections/obs/items?name={}", "a".repeat(size)))
    }),
    ("escapes", |size| {
        get(&format!(
            "/collections/obs/items?name={}",
            "%41".repeat(size / 3)
        ))
    }),
    ("segments", |size| {
        get(&format!("/collections/{}", numbered("s", "/", size)))
    }),
    ("properties", |size| {
        get(&format!(
            "/collections/obs/items?properties={}",
            numbered("p", ",", size)
        ))
    }),
    ("points", |size| {
        get(&format!(
            "/collections/obs/area?coords=MULTIPOINT({}0+0)",
            "1+1,".repeat(size / 4)
        ))
    }),
    ("accept", |size| {
        with("accept", &numbered("text/a", ",", size))
    }),
    ("cookies", |size| {
        with("cookie", &numbered("c", "=1; ", size))
    }),
    ("token", |size| {
        with(
            "authorization",
            &format!("Bearer {}", "eyJhbGciOiJub25lIn0.".repeat(size / 20)),
        )
    }),
    ("key", |size| with("x-api-key", &"k".repeat(size))),
    ("headers", |size| {
        let names: Vec<String> = (0..size / 16)
            .map(|number| format!("x-filling-{number}"))
            .collect();
        let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        HttpAsk::of_a_browser("/collections/obs", &headers)
    }),
    ("members", |size| {
        let mut body = "{".to_owned();
        for number in 0.. {
            if body.len() > size {
                break;
            }
            let _ = write!(body, "\"m{number}\":1,");
        }
        body.push_str("\"limit\":1}");
        let mut ask =
            HttpAsk::of_a_browser("/stac-api/search", &[("content-type", "application/json")]);
        "POST".clone_into(&mut ask.method);
        ask.body = body;
        ask
    }),
];

type Filling = fn(usize) -> HttpAsk;

fn get(path: &str) -> HttpAsk {
    HttpAsk::of_a_browser(path, &[])
}

fn with(name: &str, value: &str) -> HttpAsk {
    HttpAsk::of_a_browser("/collections/obs", &[(name, value)])
}

/// As many different words as fill `size` bytes.
fn numbered(word: &str, between: &str, size: usize) -> String {
    let mut all = String::new();
    for number in 0.. {
        if all.len() > size {
            break;
        }
        let _ = write!(all, "{word}{number}{between}");
    }
    all.truncate(all.len() - between.len());
    all
}

/// The request of a case such as `names:3800`.
pub(super) fn ask(case: &str) -> Option<HttpAsk> {
    let (name, size) = case.split_once(':')?;
    let (_, filling) = FILLINGS.iter().find(|(known, _)| *known == name)?;
    Some(filling(size.parse().ok()?))
}

/// Whether the cost of each kind is in proportion to its size.
pub(super) fn is_bounded() -> Result<bool, Failure> {
    let mut is_bounded = true;
    for (name, _) in FILLINGS {
        let mut counted = Vec::new();
        for size in SIZES {
            counted.push(super::per(count(&format!("{name}:{size}"))?));
        }
        let [small, middle, large] = counted.as_slice() else {
            continue;
        };
        let (first, second) = (middle - small, large - middle);
        let growth = second / (2.0 * first.max(1.0));
        let verdict = if second < NOTHING || growth <= MAX_INSTRUCTIONS {
            "in proportion"
        } else {
            is_bounded = false;
            "GROWS FASTER THAN THE SIZE"
        };
        writeln!(
            stdout(),
            "{name:11} {small:>9} {middle:>9} {large:>9} instructions at {SIZES:?} bytes: {verdict}"
        )?;
    }
    Ok(is_bounded)
}
