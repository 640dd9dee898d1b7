//! Loose spellings, each measured on Flask and Starlette: they are read the one way, and sent on in the strict one.

use serde_json::json;

use super::*;

/// A request by its method, target and Content-Type, with a body where the method has one.
fn outcome(
    method: &str,
    target: &str,
    content_type: Option<&str>,
    body: &str,
) -> Result<Resource, Rule> {
    let headers: Headers = content_type
        .iter()
        .map(|value| ("content-type", *value))
        .collect();
    let request = RawRequest {
        method,
        target: target.as_bytes(),
        headers: &headers,
        body: body.as_bytes(),
        is_partial: false,
    };
    Reader::default()
        .read(&request)
        .map_err(|refusal| refusal.rule())
}

#[test]
fn a_refusal_quotes_the_value_that_was_sent() {
    for sent in [
        "2025-03-01 / 2025-03-02",
        "2025-03-01 ",
        "2025-03-01T00:00:00 00:00/..",
    ] {
        let target = format!(
            "/collections/obs/items?datetime={}",
            sent.replace(' ', "%20")
        );
        let request = RawRequest {
            method: "GET",
            target: target.as_bytes(),
            headers: &Headers::default(),
            body: b"",
            is_partial: false,
        };
        let refused = Reader::default().read(&request).unwrap_err().to_string();
        assert!(refused.ends_with(&format!("`{sent}`")), "{refused}");
    }
}

#[test]
fn a_loose_target_is_read_as_the_strict_one() {
    for (loose, strict) in [
        ("/openapi/", "/openapi"),
        ("/conformance/?f=json", "/conformance?f=json"),
        ("/TileMatrixSets/", "/TileMatrixSets"),
        (
            "/TileMatrixSets/WebMercatorQuad/",
            "/TileMatrixSets/WebMercatorQuad",
        ),
        ("/collections/", "/collections"),
        ("/processes/", "/processes"),
        ("/processes/x/", "/processes/x"),
        ("/jobs/x/results/", "/jobs/x/results"),
        ("/stac/", "/stac"),
        ("/stac/a/b/", "/stac/a/b"),
        ("/stac-api/", "/stac-api"),
        ("/stac-api/search/?limit=1", "/stac-api/search?limit=1"),
        ("/admin/config/", "/admin/config"),
        ("/collections?f=json&%66=json", "/collections?f=json"),
        (
            "/collections/obs/items?a=1&limit=1&a=1&a=1",
            "/collections/obs/items?a=1&limit=1",
        ),
        (
            "/collections/obs/items?q=100%",
            "/collections/obs/items?q=100%25",
        ),
        (
            "/collections/obs/items?q=%a%25%4%41%",
            "/collections/obs/items?q=%25a%25%254A%25",
        ),
        (
            "/collections/obs/items?datetime=1985-04-12t23:20:50z",
            "/collections/obs/items?datetime=1985-04-12T23:20:50Z",
        ),
        (
            "/collections/obs/items?datetime=2001-10-30+14:24:55/2002-01-01%2001:02:03.5z",
            "/collections/obs/items?datetime=2001-10-30T14:24:55/2002-01-01T01:02:03.5Z",
        ),
    ] {
        let read = outcome("GET", loose, None, "").unwrap();
        assert_eq!(read.canonical_path(), strict, "{loose}");
        assert_eq!(Ok(read), outcome("GET", strict, None, ""), "{loose}");
    }
    let execution = outcome("POST", "/processes/x/execution/", None, "{}").unwrap();
    assert_eq!(execution.canonical_path(), "/processes/x/execution");
}

#[test]
fn a_slash_that_becomes_part_of_an_id_is_refused() {
    for target in [
        "//",
        "/TileMatrixSets//",
        "/stac//",
        "/collections//",
        "/collections/obs/",
        "/collections/obs/items/",
        "/collections/obs/items/1/",
        "/collections/obs/position/",
        "/static/a/",
        "/schemas/a/",
        "/admin/config/resources/",
        "/admin/config/resources/r/",
    ] {
        let read = outcome("GET", target, None, "");
        assert_eq!(read.err(), Some(Rule::EmptySegment), "{target}");
    }
    let below = Reader::new("/geoapi", Backend::Flask).unwrap();
    for target in ["/geoapi//", "/geoapi/collections//"] {
        assert_eq!(read(&below, "GET", target).err(), Some(Rule::EmptySegment));
    }
    for (loose, strict) in [
        ("/geoapi/stac/", "/geoapi/stac"),
        ("/geoapi", "/geoapi/"),
        ("/%67eoapi/?f=json", "/geoapi/?f=json"),
    ] {
        let loose = read(&below, "GET", loose);
        assert_eq!(loose.as_ref().unwrap().canonical_path(), strict);
        assert_eq!(loose, read(&below, "GET", strict));
    }
}

#[test]
fn free_text_may_have_several_lines() {
    for name in ["q", "filter", "name"] {
        let target = format!("/collections/obs/items?{name}=a%09b%0D%0Ac");
        let read = outcome("GET", &target, None, "").unwrap();
        assert_eq!(read.canonical_path(), target);
        let seen = serde_json::to_value(&read).unwrap();
        assert_eq!(seen["params"][name], "a\tb\r\nc");
    }
    for query in ["f=json%0A", "limit=1%0A", "crs=x%09", "na%0Ame=1", "q=%0B"] {
        let read = outcome("GET", &format!("/collections/obs/items?{query}"), None, "");
        assert_eq!(read.err(), Some(Rule::ControlCharacter), "{query}");
    }
}

#[test]
fn a_schema_is_a_file_whose_path_has_one_meaning() {
    let read = outcome(
        "GET",
        "/schemas/ogcapi/features/part1/1.0/openapi/x.yaml",
        None,
        "",
    );
    let seen = serde_json::to_value(read.unwrap()).unwrap();
    assert_eq!(seen["api"], "schemas");
    assert_eq!(seen["path"], "ogcapi/features/part1/1.0/openapi/x.yaml");
    // Flask would serve another file.
    for target in ["/schemas/a./b", "/schemas/a..b/c", "/schemas/a/b."] {
        assert_eq!(
            outcome("GET", target, None, "").err(),
            Some(Rule::DotSegment),
            "{target}"
        );
    }
    assert_eq!(
        outcome("GET", "/schemas", None, "").err(),
        Some(Rule::UnknownRoute)
    );
}

#[test]
fn every_route_tells_its_methods() {
    for target in [
        "/",
        "/collections",
        "/collections/obs",
        "/collections/obs/items/1",
        "/processes/x/execution",
        "/stac-api/search",
        "/static/a",
        "/admin/config",
    ] {
        let read = outcome("OPTIONS", target, None, "").unwrap();
        assert_eq!(read.action(), Action::Options, "{target}");
    }
    let body = outcome("OPTIONS", "/collections/obs/items", None, "{}");
    assert_eq!(body.err(), Some(Rule::UnexpectedBody));
}

/// Routes where pygeoapi reads the same body for any Content-Type that is no form.
const IGNORANT: [(&str, &str); 7] = [
    ("PUT", "/collections/obs/items/1"),
    ("POST", "/processes/x/execution"),
    ("POST", "/stac-api/search"),
    ("POST", "/admin/config/resources"),
    ("PUT", "/admin/config/resources/r"),
    ("PUT", "/admin/config"),
    ("PATCH", "/admin/config"),
];

/// A Content-Type that is read, and the one that is sent on in its place.
const READ: [(&str, Option<&str>); 17] = [
    ("application/json", None),
    ("text/plain", None),
    ("application/cql2+json", None),
    ("Application/JSON", Some("application/json")),
    ("application/json; charset=utf-8", Some("application/json")),
    (
        "application/json;charset=\"UTF-8\"",
        Some("application/json"),
    ),
    ("application/json; charset=utf8", Some("application/json")),
    (
        "application/json ; Charset = us-ascii",
        Some("application/json"),
    ),
    ("application/json; profile=x", Some("application/json")),
    (
        "application/json; version=1; charset=utf-8",
        Some("application/json"),
    ),
    ("application/json; profile=\"a;b", Some("application/json")),
    ("application/json;", Some("application/json")),
    ("Text/Plain; charset", Some("text/plain")),
    (";", Some("application/json")),
    ("", Some("application/json")),
    ("json", Some("application/json")),
    ("application/json, text/plain", Some("application/json")),
];

/// Both servers read them differently, or the body has two meanings.
const FORMS_AND_CHARSETS: [&str; 10] = [
    "application/x-url-encoded",
    "application/X-URL-encoded; charset=utf-8",
    "application/x-www-form-urlencoded",
    "Application/X-WWW-Form-Urlencoded; charset=utf-8",
    "\tapplication/x-www-form-urlencoded ;",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/json; charset=utf-8; charset=iso-8859-1",
    "; charset*=utf-16''x",
];

#[test]
fn a_content_type_counts_where_pygeoapi_reads_it() {
    let search = ("POST", "/collections/obs/items");
    for (method, target) in IGNORANT.into_iter().chain([search]) {
        for (content_type, sent_on) in READ {
            let read = outcome(method, target, Some(content_type), "{}").unwrap();
            assert_eq!(
                read.canonical_content_type(),
                sent_on,
                "{target} {content_type}"
            );
        }
        for content_type in FORMS_AND_CHARSETS {
            let read = outcome(method, target, Some(content_type), "{}");
            assert_eq!(
                read.err(),
                Some(Rule::ContentType),
                "{target} {content_type}"
            );
        }
        let two = [("content-type", "application/json"); 2];
        let headers: Headers = two.into_iter().collect();
        let request = RawRequest {
            method,
            target: target.as_bytes(),
            headers: &headers,
            body: b"{}",
            is_partial: false,
        };
        let read = Reader::default().read(&request);
        assert_eq!(read.err().map(|e| e.rule()), Some(Rule::ContentType));
    }
    for (method, target) in IGNORANT {
        for content_type in [None, Some("application/geo+json")] {
            let read = outcome(method, target, content_type, "{}").unwrap();
            assert_eq!(read.canonical_content_type(), None);
        }
        let geojson = Some("application/geo+json; charset=utf-8");
        let read = outcome(method, target, geojson, "{}").unwrap();
        assert_eq!(
            read.canonical_content_type(),
            Some("application/geo+json"),
            "{target}"
        );
    }
    let got = outcome("GET", "/collections", Some("json; charset=utf-16"), "").unwrap();
    assert_eq!(got.canonical_content_type(), None);
}

#[test]
fn only_one_content_type_creates_a_feature() {
    let items = |content_type| outcome("POST", "/collections/obs/items", content_type, "{}");
    let created = items(Some("application/geo+json")).unwrap();
    assert_eq!(created.action(), Action::Create);
    assert_eq!(created.canonical_content_type(), None);
    for (content_type, _) in READ {
        let read = items(Some(content_type)).unwrap();
        assert_eq!(read.action(), Action::Search, "{content_type}");
    }
    // pygeoapi searches with what was sent to be created, or answers 500 without a Content-Type.
    for content_type in [
        None,
        Some("application/geo+json; charset=utf-8"),
        Some("application/geo+json "),
        Some("APPLICATION/GEO+JSON"),
        Some("application/vnd.geo+json"),
    ] {
        assert_eq!(
            items(content_type).err(),
            Some(Rule::ContentType),
            "{content_type:?}"
        );
    }
}

#[test]
fn well_known_text_has_heights_and_measures_in_each_spelling() {
    for (text, coordinates) in [
        ("POINTZ(1 2 3)", json!([1.0, 2.0, 3.0])),
        ("POINT Z(1 2 3)", json!([1.0, 2.0, 3.0])),
        ("point z (1 2 3)", json!([1.0, 2.0, 3.0])),
        ("POINTM(1 2 3)", json!([1.0, 2.0])),
        ("POINT M (1 2 3)", json!([1.0, 2.0])),
        ("POINTZM(1 2 3 4)", json!([1.0, 2.0, 3.0])),
        ("POINT zm(1 2 3 4)", json!([1.0, 2.0, 3.0])),
        ("POINT(1 2 3 4)", json!([1.0, 2.0, 3.0])),
        (
            "LINESTRINGZ(1 2 3,4 5 6)",
            json!([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        ),
        (
            "MULTIPOINTM((1 2 3),(4 5 6))",
            json!([[1.0, 2.0], [4.0, 5.0]]),
        ),
    ] {
        let target = format!(
            "/collections/obs/position?coords={}",
            text.replace(' ', "+")
        );
        let seen = serde_json::to_value(outcome("GET", &target, None, "").unwrap()).unwrap();
        assert_eq!(
            seen["params"]["coords"]["coordinates"], coordinates,
            "{text}"
        );
    }
    for text in [
        "POINTZ(1 2)",
        "POINTM(1 2)",
        "POINTZM(1 2 3)",
        "POINT(1 2 3 4 5)",
        "POINT MZ(1 2 3 4)",
        "POINTMZ(1 2 3 4)",
        "POINT Z M(1 2 3 4)",
        "POINTZ Z(1 2 3)",
        "LINESTRING(1 2,3 4 5)",
    ] {
        let target = format!(
            "/collections/obs/position?coords={}",
            text.replace(' ', "+")
        );
        assert_eq!(
            outcome("GET", &target, None, "").err(),
            Some(Rule::Parameter),
            "{text}"
        );
    }
}
