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
    let read = read(&below, "GET", "/geoapi/stac/").unwrap();
    assert_eq!(read.canonical_path(), "/geoapi/stac");
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

#[test]
fn a_content_type_counts_where_pygeoapi_reads_it() {
    let json_types = [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("application/json;charset=\"UTF-8\""),
        Some("Application/JSON"),
        Some("application/geo+json"),
        Some("text/plain"),
    ];
    for (method, target) in [
        ("PUT", "/collections/obs/items/1"),
        ("POST", "/processes/x/execution"),
        ("POST", "/stac-api/search"),
        ("POST", "/admin/config/resources"),
        ("PATCH", "/admin/config"),
    ] {
        for content_type in json_types {
            assert!(
                outcome(method, target, content_type, "{}").is_ok(),
                "{target} {content_type:?}"
            );
        }
        for content_type in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "application/json; profile=x",
            "json",
            "",
        ] {
            let read = outcome(method, target, Some(content_type), "{}");
            assert_eq!(
                read.err(),
                Some(Rule::ContentType),
                "{target} {content_type}"
            );
        }
    }
    let items = |content_type| {
        outcome("POST", "/collections/obs/items", content_type, "{}").map(|read| read.action())
    };
    assert_eq!(items(Some("application/geo+json")), Ok(Action::Create));
    assert_eq!(
        items(Some("application/json; charset=utf-8")),
        Ok(Action::Search)
    );
    // pygeoapi searches with what was sent to be created.
    for content_type in [
        None,
        Some("application/geo+json; charset=utf-8"),
        Some("APPLICATION/GEO+JSON"),
        Some("text/plain"),
    ] {
        assert_eq!(
            items(content_type),
            Err(Rule::ContentType),
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
