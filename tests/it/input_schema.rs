//! Policies depend on the members of `input`: this test fails if a member disappears or changes its type.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

/// Requests that together have every member.
const ASKED: [&[&str]; 12] = [
    &[
        "--attribute",
        "company=osgeo",
        "/collections/obs/items?bbox=1,2,3,4&datetime=2020/..&limit=1&offset=2&f=json",
    ],
    &[
        "--claims",
        r#"{"iss": "https://a.example", "sub": "a", "scope": "x y"}"#,
        "/collections/obs/items/1?crs=x&other=1",
    ],
    &[
        "/collections/obs/items?properties=a,b&sortby=-a&skipGeometry=true&filter=a=1&resulttype=hits&q=x&name=y",
    ],
    &["/collections/obs/area?coords=POINT(0+0)&parameter-name=a&z=1&bbox=0,0,1,1"],
    &["/collections/obs/instances/i/locations/l?limit=1"],
    &["/collections/obs/radius?coords=POINT(0+0)&within=5&within-units=km"],
    &[
        "/collections/obs/corridor?coords=LINESTRING(0+0,1+1)&corridor-width=5&width-units=km&corridor-height=1&height-units=m",
    ],
    &["/collections/obs/coverage?subset=Lat(1:2)&bbox=1,2,3,4&bbox-crs=x"],
    &["/collections/obs/styles/s/map?width=1&height=2&transparent=true"],
    &["/collections/obs/tiles/WebMercatorQuad/1/2/3?f=mvt"],
    &["/stac/catalog/item"],
    &["/admin/config/resources/obs"],
];
/// Members whose inner names come from the request or the operator.
const OPEN: [&str; 7] = [
    "identity.attributes",
    "identity.claims",
    "parsed_query",
    "request.headers",
    "attributes",
    "ogc.params.coords",
    "ogc.params.subset",
];

fn input(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["eval", "--input"])
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let faults = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&told).unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{told}{faults}"))
}

/// What a value is, in the words of JSON Schema.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `path: kind` of every member below `value`.
fn collect(value: &Value, path: &str, members: &mut BTreeSet<String>) {
    let kind = kind(value);
    if !path.is_empty() {
        members.insert(format!("{path}: {kind}"));
    }
    if let Value::Object(inner) = value
        && !OPEN.contains(&path)
    {
        for (name, value) in inner {
            let dot = if path.is_empty() { "" } else { "." };
            collect(value, &format!("{path}{dot}{name}"), members);
        }
    }
}

#[test]
fn no_member_of_the_input_changes_unnoticed() {
    let mut members = BTreeSet::new();
    for arguments in ASKED {
        collect(&input(arguments), "", &mut members);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/input-members.txt");
    let committed = fs::read_to_string(&file).unwrap_or_default();
    let committed: BTreeSet<String> = committed.lines().map(str::to_owned).collect();
    let gone: Vec<_> = committed.difference(&members).collect();
    let new: Vec<_> = members.difference(&committed).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "gone: {gone:#?}\nnew: {new:#?}\nFor what is gone or has another kind, raise SCHEMA_VERSION in src/policy/input.rs and list in CHANGELOG.md what replaces it. Then write these lines to {}:\n{}",
        file.display(),
        members
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n"),
    );
}

#[test]
fn the_schemas_know_the_caller_without_a_credential() {
    let schema = |file: &str| -> Value {
        let path = Path::new("src/policy/input").join(file);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let asked = input(&["/collections"]);
    let native = schema("schema.json");
    assert_eq!(
        native["properties"]["identity"]["x-anonymous"],
        asked["identity"]
    );
    // All of fastgeoapi's input but the request is of the caller, and comes from the claims.
    let fastgeoapi = schema("fastgeoapi-schema.json");
    assert_eq!(fastgeoapi["x-anonymous"], asked["identity"]["claims"]);
}
