mod handlers;

use serde_json::{Value, json};

use super::{super::route::Part, *};

fn on(part: Part) -> Route {
    Route::Collection {
        collection: "obs".to_owned(),
        part,
    }
}

fn on_items() -> Route {
    on(Part::Items)
}

fn on_edr(query: &str) -> Route {
    on(Part::Edr {
        query: query.to_owned(),
        instance: None,
        location: None,
    })
}

fn on_map() -> Route {
    on(Part::Map { style: None })
}

fn all(route: &Route, pairs: &[(&str, &str)]) -> Result<Params, Rule> {
    let pairs: Vec<Pair<'_>> = pairs
        .iter()
        .map(|(name, text)| ((*name).into(), (*text).into()))
        .collect();
    Params::read(&pairs, route, Action::Read).map_err(|refusal| refusal.rule())
}

/// The value that a policy sees: null if it sees none, `None` if the request is refused.
fn read(route: &Route, name: &str, text: &str) -> Option<Value> {
    match all(route, &[(name, text)]) {
        Ok(params) => {
            let seen = serde_json::to_value(&params).unwrap();
            assert_ne!(seen.get(name).is_some(), params.ignored() == [name]);
            Some(seen[name].clone())
        }
        Err(rule) => {
            assert_eq!(rule, Rule::Parameter, "{name}={text}");
            None
        }
    }
}

#[test]
fn boxes_are_numbers_in_their_crs() {
    let items = on_items();
    for (text, expected) in [
        ("1,2,3.5,4", Some(json!([1.0, 2.0, 3.5, 4.0]))),
        ("1,2,0,3,4,9", Some(json!([1.0, 2.0, 0.0, 3.0, 4.0, 9.0]))),
        ("170,0,-170,10", Some(json!([170.0, 0.0, -170.0, 10.0]))),
        ("1_0, 0 ,1e2,1", Some(json!([10.0, 0.0, 100.0, 1.0]))),
        ("", Some(Value::Null)),
        ("1,2,3", None),
        ("1,2,3,4,5", None),
        ("1,2,3,4,5,6,7", None),
        ("1,9,3,4", None),
        ("1,2,9,3,4,0", None),
        ("nan,0,1,1", None),
        ("0,0,inf,1", None),
        ("0,0,infinity,1", None),
        ("0,0,1e999,1", None),
        ("0,0,1,", None),
        ("0,0,0x1,1", None),
        ("_1,0,1,1", None),
    ] {
        assert_eq!(read(&items, "bbox", text), expected, "{text}");
    }
    let params = serde_json::to_value(all(&items, &[("bbox", "1,2,3,4")]).unwrap()).unwrap();
    assert_eq!(params["bbox-crs"], CRS84);
    assert_eq!(read(&items, "bbox-crs", "x"), Some(Value::Null));
    let both = all(&items, &[("bbox-crs", "x"), ("bbox", "1,2,3,4")]).unwrap();
    assert_eq!(both.get("bbox-crs"), Some(&json!("x")));
    // pygeoapi would drop the heights, and then the box.
    for route in [on_edr("cube"), on_edr("locations"), on_map()] {
        assert_eq!(read(&route, "bbox", "1,2,0,3,4,9"), None);
    }
}

#[test]
fn numbers_are_what_python_reads() {
    let items = on_items();
    for (name, text, expected) in [
        ("limit", "10", Some(json!(10))),
        ("limit", "\u{665}", Some(json!(5))),
        ("limit", " +1_000 ", Some(json!(1000))),
        ("limit", "\u{1fbf9}", Some(json!(9))),
        ("limit", "010", None),
        ("limit", "0", None),
        ("limit", "-1", None),
        ("limit", "1.0", None),
        ("limit", "true", None),
        ("limit", "1__0", None),
        ("limit", "1e2", None),
        ("limit", "99999999999999999999", None),
        ("offset", "010", Some(json!(10))),
        ("offset", "0", Some(json!(0))),
        ("offset", "-1", None),
        ("skipGeometry", "Yes", Some(json!(true))),
        ("skipGeometry", "maybe", Some(json!(false))),
        ("resulttype", "hits", Some(json!("hits"))),
        ("resulttype", "all", None),
        ("filter-lang", "cql2-text", Some(Value::Null)),
        ("filter-lang", "sql", None),
        ("z", "abc", Some(json!("abc"))),
    ] {
        assert_eq!(read(&items, name, text), expected, "{name}={text}");
    }
}

#[test]
fn times_are_intervals() {
    let items = on_items();
    let span = |start: Option<&str>, end: Option<&str>| Some(json!({"start": start, "end": end}));
    for (text, expected) in [
        (
            "2020-02-01T10:00:00Z",
            span(Some("2020-02-01T10:00:00Z"), Some("2020-02-01T10:00:00Z")),
        ),
        (
            "2020-02-01T10:00:00.5+02:00",
            span(
                Some("2020-02-01T08:00:00.500Z"),
                Some("2020-02-01T08:00:00.500Z"),
            ),
        ),
        (
            "2020-02",
            span(
                Some("2020-02-01T00:00:00Z"),
                Some("2020-02-29T23:59:59.999999Z"),
            ),
        ),
        (
            "2020",
            span(
                Some("2020-01-01T00:00:00Z"),
                Some("2020-12-31T23:59:59.999999Z"),
            ),
        ),
        ("2020-01-01/..", span(Some("2020-01-01T00:00:00Z"), None)),
        (
            "/2020-01-01",
            span(None, Some("2020-01-01T23:59:59.999999Z")),
        ),
        ("../..", span(None, None)),
        ("2021/2020", None),
        ("2020-13", None),
        ("2020-02-30", None),
        ("2020-01-01T24:00:00Z", None),
        ("2020-01-01T10:00:60Z", None),
        ("2020-01-01 10:00", None),
        ("2020-01-01t10:00:00z", None),
        ("May 2020", None),
        ("20200101", None),
        ("2020-01-01/2020-01-02/2020-01-03", None),
        ("0000-01-01", None),
        ("..", None),
    ] {
        assert_eq!(read(&items, "datetime", text), expected, "{text}");
    }
}

#[test]
fn lists_keep_their_order() {
    let items = on_items();
    assert_eq!(read(&items, "properties", "a,b"), Some(json!(["a", "b"])));
    assert_eq!(
        read(&items, "sortby", "a,-b,+c"),
        Some(json!([
            {"property": "a", "order": "ascending"},
            {"property": "b", "order": "descending"},
            {"property": "c", "order": "ascending"},
        ]))
    );
    assert_eq!(
        read(&on_edr("area"), "parameter-name", "SST,wind"),
        Some(json!(["SST", "wind"]))
    );
    assert_eq!(read(&on_edr("radius"), "within", "10.5"), Some(json!(10.5)));
    assert_eq!(read(&on_edr("radius"), "within", "-1"), None);
    let coverage = on(Part::Coverage);
    assert_eq!(
        read(&coverage, "properties", "a,,b"),
        Some(json!(["a", "b"]))
    );
    assert_eq!(read(&coverage, "properties", ","), Some(Value::Null));
}

#[test]
fn geometries_are_geojson() {
    let edr = on_edr("area");
    for (text, expected) in [
        (
            "POINT(0 1)",
            Some(json!({"type": "Point", "coordinates": [0.0, 1.0]})),
        ),
        (
            "point z (0 1 2.5)",
            Some(json!({"type": "Point", "coordinates": [0.0, 1.0, 2.5]})),
        ),
        (
            "LINESTRING (0 0, 1e1 1)",
            Some(json!({"type": "LineString", "coordinates": [[0.0, 0.0], [10.0, 1.0]]})),
        ),
        (
            "MULTIPOINT((0 0),1 1)",
            Some(json!({"type": "MultiPoint", "coordinates": [[0.0, 0.0], [1.0, 1.0]]})),
        ),
        (
            "POLYGON((0 0,1 0,1 1,0 0))",
            Some(
                json!({"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]}),
            ),
        ),
        (
            "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",
            Some(
                json!({"type": "MultiPolygon", "coordinates": [[[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]]}),
            ),
        ),
        ("POINT(0 0)\u{a0}", None),
        ("POINT EMPTY", None),
        ("POLYGON Z EMPTY", None),
        ("MULTIPOLYGON(EMPTY,((0 0,1 0,1 1,0 0)))", None),
        ("LINEARRING(0 0,1 0,1 1,0 0)", None),
        ("GEOMETRYCOLLECTION(POINT(0 0))", None),
        ("POINT(0 0) x", None),
        ("POINT(0 0", None),
        ("POINT(0)", None),
        ("POINT(0 0,1 1)", None),
        ("POINT Z (0 0)", None),
        ("POINT(nan 0)", None),
        ("LINESTRING(0 0,1 1 1)", None),
        ("POLYGON(0 0,1 1)", None),
        ("CIRCULARSTRING(0 0,1 1,2 0)", None),
        ("SRID=4326;POINT(0 0)", None),
    ] {
        assert_eq!(read(&edr, "coords", text), expected, "{text}");
    }
    let many = format!("MULTIPOINT({}0 0)", "0 0,".repeat(2_000));
    assert_eq!(read(&edr, "coords", &many), None);
}

#[test]
fn subsets_are_ranges_by_axis() {
    let coverage = on(Part::Coverage);
    for (text, expected) in [
        (
            "Lat(10:20),Long(1.5)",
            Some(json!({"Lat": [10, 20], "Long": [1.5]})),
        ),
        (
            r#"time("2020-01-01":"2020-02-01")"#,
            Some(json!({"time": ["2020-01-01", "2020-02-01"]})),
        ),
        (
            r#"time("2020-01-01")"#,
            Some(json!({"time": ["2020-01-01"]})),
        ),
        (
            r#"time("2020":"2021")"#,
            Some(json!({"time": [2020, 2021]})),
        ),
        ("band(010)", Some(json!({"band": ["010"]}))),
        ("Lat(1:2),Lat(3:4)", None),
        ("Lat(1:2:3)", None),
        ("Lat(1:)", None),
        ("Lat()", None),
        ("Lat", None),
        ("(1:2)", None),
        ("x)Lat(1:2)", None),
        ("Lat((1:2))", None),
    ] {
        assert_eq!(read(&coverage, "subset", text), expected, "{text}");
    }
}
