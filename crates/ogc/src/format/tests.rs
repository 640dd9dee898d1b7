use super::*;

fn items() -> Route {
    Route::Collection {
        collection: "obs".to_owned(),
        part: Part::Items,
    }
}

fn read(
    route: &Route,
    query: &[(&str, &str)],
    accept: &[&str],
) -> (Option<String>, Option<&'static str>, String) {
    let headers: Headers = accept.iter().map(|value| ("accept", *value)).collect();
    let mut pairs: Vec<Pair<'_>> = query
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect();
    let format = Format::read(route, Action::Read, &mut pairs, &headers).unwrap();
    let mut sent = String::new();
    super::super::path::push_query(&pairs, &mut sent);
    (format.name.map(Cow::into_owned), format.accept, sent)
}

#[test]
fn the_parameter_counts_before_the_header() {
    let read = |query, accept| read(&items(), query, accept);
    let known = |name: &str, accept: Option<&'static str>, sent: &str| {
        (Some(name.to_owned()), accept, sent.to_owned())
    };
    assert_eq!(read(&[], &[]), known("json", None, ""));
    assert_eq!(read(&[], &["*/*"]), known("json", None, ""));
    assert_eq!(read(&[("f", " csv ")], &[]), known("csv", None, "?f=csv"));
    assert_eq!(
        read(&[("f", "html")], &["application/json"]),
        known("html", None, "?f=html")
    );
    assert_eq!(read(&[("f", " ")], &["text/html"]), known("html", None, ""));
    assert_eq!(read(&[], &["text/csv"]), known("csv", None, "?f=csv"));
    assert_eq!(
        read(&[("f", "")], &["text/csv"]),
        known("csv", None, "?f=csv")
    );
    assert_eq!(
        read(&[("f", "json")], &["text/csv"]),
        known("json", None, "?f=json")
    );
    assert_eq!(
        read(
            &[],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]
        ),
        known("html", Some("text/html"), "")
    );
    assert_eq!(
        read(&[], &["text/html;q=0.5,application/ld+json"]),
        known("jsonld", Some("application/ld+json"), "")
    );
    assert_eq!(
        read(&[], &["application/x-shapefile, text/html;q=0"]),
        known("json", Some("*/*"), "")
    );
    assert_eq!(
        read(&[], &["text/html", "application/json"]),
        known("html", Some("text/html"), "")
    );
}

#[test]
fn a_handler_that_does_not_ask_is_not_asked() {
    let map = Route::Collection {
        collection: "a".to_owned(),
        part: Part::Map { style: None },
    };
    assert_eq!(
        read(&map, &[], &["text/html"]),
        (Some("png".to_owned()), None, String::new())
    );
    let tile = Route::Collection {
        collection: "a".to_owned(),
        part: Part::Tile {
            tms: "t".to_owned(),
            z: "0".to_owned(),
            row: "0".to_owned(),
            col: "0".to_owned(),
        },
    };
    assert_eq!(
        read(&tile, &[("f", " png")], &["a/b"]),
        (None, None, "?f=%20png".to_owned())
    );
    let search = Route::Page("stac-search");
    // pygeoapi fails here with CSV.
    assert_eq!(
        read(&search, &[], &["text/csv"]),
        (
            Some("json".to_owned()),
            Some("application/json"),
            String::new()
        )
    );
    let mut pairs = vec![("f".into(), "csv".into())];
    let refused = Format::read(&search, Action::Read, &mut pairs, &Headers::default());
    assert_eq!(refused.unwrap_err().rule(), Rule::Parameter);
}
