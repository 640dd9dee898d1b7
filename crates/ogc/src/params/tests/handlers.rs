//! Which parameters count on which route.

use super::*;

/// An ignored parameter would be a decoy: a policy could take it for what bounds the answer.
#[test]
fn a_parameter_that_the_handler_ignores_is_told_by_its_name_only() {
    let edr = |query: &str| on_edr(query);
    let location = on(Part::Edr {
        query: "locations".to_owned(),
        instance: None,
        location: Some("L1".to_owned()),
    });
    let tile = on(Part::Tile {
        tms: "WebMercatorQuad".to_owned(),
        z: "0".to_owned(),
        row: "0".to_owned(),
        col: "0".to_owned(),
    });
    for (route, name, text) in [
        (edr("position"), "bbox", "0,0,1,1"),
        (edr("area"), "bbox", "0,0,1,1"),
        (edr("cube"), "coords", "POINT(0 0)"),
        (edr("locations"), "coords", "POINT(0 0)"),
        (location, "bbox", "0,0,1,1"),
        (edr("area"), "within", "10"),
        (edr("radius"), "corridor-width", "10"),
        (edr("corridor"), "within", "10"),
        (edr("cube"), "bbox-crs", "x"),
        (on(Part::Describe), "limit", "many"),
        (on(Part::Item("1".to_owned())), "bbox", "0,0,1,1"),
        (on(Part::Schema), "properties", "a"),
        (tile, "f", "png"),
        (Route::Page("processes"), "offset", "1"),
        (Route::Job("1".to_owned()), "limit", "1"),
        (Route::Process("1".to_owned()), "limit", "1"),
        (Route::Static("a.css".to_owned()), "f", "html"),
        (Route::Page("stac-search"), "collections", "a"),
        (Route::Page("stac-search"), "ids", "a"),
        (on_items(), "datetime", ""),
        (on_items(), "q", ""),
    ] {
        let params = all(&route, &[(name, text)]).unwrap();
        assert_eq!(params.ignored(), [name], "{route:?}");
        assert_eq!(
            serde_json::to_value(&params).unwrap(),
            json!({}),
            "{route:?} {name}"
        );
    }
    assert_eq!(
        read(&on_items(), "coords", "x"),
        Some(json!("x")),
        "a field"
    );
    assert_eq!(read(&on_items(), "name", ""), Some(json!("")), "a field");
    let refused = all(&Route::Page("jobs"), &[("limit", "many")]);
    assert_eq!(refused, Err(Rule::Parameter));
    // On another action than a search, the handler of items reads nothing.
    let pairs = [("bbox".into(), "0,0,1,1".into())];
    let created = Params::read(&pairs, &on_items(), Action::Create).unwrap();
    assert_eq!(created.ignored(), ["bbox"]);
}

/// pygeoapi reads every filter of a query as CQL2 text.
#[test]
fn the_language_of_a_filter_is_the_one_that_pygeoapi_reads() {
    let seen = |pairs: &[(&str, &str)]| {
        let params = all(&on_items(), pairs).unwrap();
        (
            serde_json::to_value(&params).unwrap(),
            params.ignored().to_vec(),
        )
    };
    let expected = json!({"filter": "a=1", "filter-lang": "cql2-text"});
    assert_eq!(seen(&[("filter", "a=1")]), (expected.clone(), vec![]));
    assert_eq!(
        seen(&[("filter", "a=1"), ("filter-lang", "cql2-text")]),
        (expected.clone(), vec![])
    );
    assert_eq!(
        seen(&[("filter-lang", "cql-json"), ("filter", "a=1")]),
        (expected, vec!["filter-lang".to_owned()])
    );
}

#[test]
fn what_breaks_a_stac_search_for_everybody_is_refused() {
    let search = Route::Page("stac-search");
    for (name, text) in [
        ("bbox", "0,0,0,1,1,1"),
        ("bbox", ",,,,,"),
        ("datetime", "2020"),
        ("datetime", "2020-01-01T00:00:00Z"),
        ("datetime", ""),
        ("q", "roads"),
        ("sortby", "-datetime"),
    ] {
        let refused = all(&search, &[(name, text)]);
        assert_eq!(refused, Err(Rule::BreaksPygeoapi), "{name}={text}");
        let body = json!({ name: text });
        let refused = Params::default().take_from_body(&body, &search);
        let is_read = OF_A_STAC_BODY.contains(&name);
        assert_eq!(refused.is_err(), is_read, "{name}={text}");
    }
    assert!(all(&search, &[("datetime", "2020/2021"), ("bbox", "0,0,1,1")]).is_ok());
}

#[test]
fn a_stac_search_takes_from_its_body_what_pygeoapi_takes() {
    let route = Route::Page("stac-search");
    let mut params = Params::default();
    let body = json!({"bbox": [1, 2, 3.5, 4], "limit": 5, "datetime": null, "ids": ["a"]});
    params.take_from_body(&body, &route).unwrap();
    let seen = serde_json::to_value(&params).unwrap();
    assert_eq!(seen["bbox"], json!([1.0, 2.0, 3.5, 4.0]));
    assert_eq!(seen["limit"], json!(5));
    assert!(seen.get("datetime").is_none() && seen.get("ids").is_none());
    assert_eq!(params.ignored(), ["datetime", "ids"]);

    // A null in the body takes the query's value away.
    for body in [json!({"limit": 5}), json!({"limit": null})] {
        for text in ["9", ""] {
            let mut params = all(&route, &[("limit", text)]).unwrap();
            let refused = params.take_from_body(&body, &route);
            assert_eq!(
                refused.unwrap_err().rule(),
                Rule::TwoFilters,
                "{body} {text}"
            );
        }
    }
    for body in [
        json!({"limit": [5]}),
        json!({"limit": 5.0}),
        json!({"limit": true}),
        json!({"bbox": 5}),
        json!({"bbox": {}}),
        json!({"bbox": ["0", "0", "1", "1"]}),
        json!({"datetime": ["2020/2021"]}),
        json!({"offset": 1.5}),
    ] {
        let refused = Params::default().take_from_body(&body, &route);
        assert!(refused.is_err(), "{body}");
    }
}
