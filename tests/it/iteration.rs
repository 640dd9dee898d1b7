//! A value that is not a collection cannot be iterated: the result is undefined, as in OPA, not an error.

use std::fs;

use crate::service::{OSGEO_KEY, Service, config, folder};

const POLICY: &str = r#"package geowarden.authz

import rego.v1

allow if {
	some id in data.x[input.ogc.collection]
	id == "a"
}

allow if data.x[input.ogc.collection][_] == "a"

allow if "a" in data.x[input.ogc.collection]

allow if {
	some key, _ in data.x[input.ogc.collection]
	key == "a"
}

allow if count([id | some id in data.x[input.ogc.collection]]) > 1
"#;

#[tokio::test]
async fn nothing_is_found_in_what_is_no_collection() {
    let folder = folder(POLICY, "");
    let data = "x: {empty: , number: 5, text: a, truth: true, list: [a], object: {a: b}}\n";
    fs::write(folder.path().join("policies/data.yaml"), data).unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    for (collection, status) in [
        ("empty", 403),
        ("number", 403),
        ("text", 403),
        ("truth", 403),
        ("missing", 403),
        ("list", 200),
        ("object", 200),
    ] {
        let target = format!("/collections/{collection}");
        let answer = service
            .ask("GET", &target, &[("x-api-key", OSGEO_KEY)])
            .await;
        assert_eq!(answer.status(), status, "{collection}");
    }
}
