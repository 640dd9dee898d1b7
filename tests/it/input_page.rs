//! docs/policies/input.md comes from the schema of `input` and from an example for each operation.
//! `WRITE=1 cargo test --test it input_page` writes it. The examples must use exactly the words in the schema's lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::input_schema::kind;

const PAGE: &str = "docs/policies/input.md";

const BEFORE: &str = "# The input document

What a policy is given as `input`, member by member; [policies.md](../policies.md#the-input) says what they mean. The
same as a JSON Schema, for OPA, Regal and editors (see [check.md](check.md#the-schema)):

```console
$ geowarden schema --input
{
...
}
```

`geowarden eval --input TARGET` prints it for a request. Members that are not marked are absent where they do not apply; asking for
one that is absent is undefined, so the condition does not hold.

| Member of `input` | Type | Always there | Values or meaning |
|---|---|---|---|
";

const MIDDLE: &str = "
## An example for every operation

`input.ogc` of requests, without `ignored: []` and `params: {}`.

";

/// A method with headers and body, and a target, for each operation.
pub(crate) const EXAMPLES: [(&str, &[&str]); 61] = [
    ("/", &[]),
    ("/openapi", &[]),
    ("/asyncapi", &[]),
    ("/conformance", &[]),
    ("/TileMatrixSets", &[]),
    ("/TileMatrixSets/WebMercatorQuad", &[]),
    ("/collections", &[]),
    ("/collections/obs", &[]),
    ("/collections/obs/schema", &[]),
    ("/collections/obs/queryables", &[]),
    ("/collections/obs/items?bbox=1,2,3,4&limit=10&f=json", &[]),
    (
        "/collections/obs/items?properties=name,id&sortby=-name&skipGeometry=true&resulttype=hits",
        &[],
    ),
    (
        "/collections/obs/items?datetime=2020-01-01/..&name=ada&q=x",
        &[],
    ),
    ("/collections/obs/items", &["-X", "OPTIONS"]),
    (
        "/collections/obs/items",
        &[
            "-X",
            "POST",
            "-H",
            "content-type: application/query-cql-json",
            "--body",
            "{}",
        ],
    ),
    (
        "/collections/obs/items",
        &[
            "-X",
            "POST",
            "-H",
            "content-type: application/geo+json",
            "--body",
            "{}",
        ],
    ),
    ("/collections/obs/items/371", &[]),
    (
        "/collections/obs/items/371",
        &[
            "-X",
            "PUT",
            "-H",
            "content-type: application/geo+json",
            "--body",
            "{}",
        ],
    ),
    ("/collections/obs/items/371", &["-X", "DELETE"]),
    ("/collections/obs/coverage?subset=Lat(10:20)", &[]),
    ("/collections/obs/map?width=100&height=100", &[]),
    ("/collections/obs/styles/night/map", &[]),
    ("/collections/obs/tiles", &[]),
    ("/collections/obs/tiles/WebMercatorQuad", &[]),
    ("/collections/obs/tiles/WebMercatorQuad/1/2/3?f=mvt", &[]),
    (
        "/collections/obs/position?coords=POINT(0+0)&parameter-name=t",
        &[],
    ),
    (
        "/collections/obs/area?coords=POLYGON((0+0,1+0,1+1,0+0))",
        &[],
    ),
    ("/collections/obs/cube?bbox=0,0,1,1&z=10", &[]),
    (
        "/collections/obs/radius?coords=POINT(0+0)&within=5&within-units=km",
        &[],
    ),
    (
        "/collections/obs/trajectory?coords=LINESTRING(0+0,1+1)",
        &[],
    ),
    (
        "/collections/obs/corridor?coords=LINESTRING(0+0,1+1)&corridor-width=5&width-units=km&corridor-height=1&height-units=m",
        &[],
    ),
    ("/collections/obs/locations", &[]),
    ("/collections/obs/locations/l1", &[]),
    ("/collections/obs/instances", &[]),
    ("/collections/obs/instances/i1", &[]),
    ("/collections/obs/instances/i1/cube?bbox=0,0,1,1", &[]),
    ("/processes", &[]),
    ("/processes/hello-world", &[]),
    (
        "/processes/hello-world/execution",
        &["-X", "POST", "--body", "{\"inputs\": {}}"],
    ),
    ("/jobs", &[]),
    ("/jobs/j1", &[]),
    ("/jobs/j1", &["-X", "DELETE"]),
    ("/jobs/j1/results", &[]),
    ("/stac", &[]),
    ("/stac/catalog/item", &[]),
    ("/stac-api", &[]),
    ("/stac-api/search?limit=1", &[]),
    (
        "/stac-api/search",
        &["-X", "POST", "--body", "{\"limit\": 1}"],
    ),
    ("/static/img/logo.png", &[]),
    ("/schemas/tms.json", &[]),
    ("/admin/config", &[]),
    ("/admin/config", &["-X", "PUT", "--body", "{}"]),
    ("/admin/config", &["-X", "PATCH", "--body", "{}"]),
    ("/admin/config/resources", &[]),
    ("/admin/config/resources", &["-X", "POST", "--body", "{}"]),
    ("/admin/config/resources/obs", &[]),
    (
        "/admin/config/resources/obs",
        &["-X", "PUT", "--body", "{}"],
    ),
    (
        "/admin/config/resources/obs",
        &["-X", "PATCH", "--body", "{}"],
    ),
    ("/admin/config/resources/obs", &["-X", "DELETE"]),
    ("/collections/obs/items", &["--attribute", "company=osgeo"]),
    (
        "/collections/obs/items",
        &[
            "--claims",
            "{\"iss\": \"https://a.example\", \"sub\": \"ada\", \"scope\": \"x\"}",
        ],
    ),
];

/// The members whose words must all be in the examples.
const LISTS: [&str; 4] = ["ogc.api", "ogc.operation", "ogc.action", "ogc.query"];

fn run(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let faults = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&told).unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{told}{faults}"))
}

fn schema() -> Value {
    run(&["schema", "--input"])
}

fn input(example: &(&str, &[&str])) -> Value {
    let (target, more) = example;
    run(&[&["eval", "--input"], *more, &[*target]].concat())
}

fn kinds(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        _ => Vec::new(),
    }
}

/// Adds every part of a value that its schema does not allow to `found`.
fn wrong(value: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    let kind = kind(value);
    let kinds = kinds(schema);
    if !kinds.is_empty() && !kinds.contains(&kind) {
        found.push(format!("{path}: {kind}, not {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{path}: {value} is not listed"));
    }
    for item in value.as_array().into_iter().flatten() {
        wrong(item, &schema["items"], &format!("{path}[_]"), found);
    }
    let Some(members) = value.as_object() else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            found.push(format!("{path}: {name} is missing"));
        }
    }
    for (name, member) in members {
        let path = format!("{path}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{path}: no such member")),
            (Value::Null, others) => wrong(member, others, &path, found),
            (own, _) => wrong(member, own, &path, found),
        }
    }
}

/// The rows of the members below a part.
fn rows(schema: &Value, path: &str, table: &mut String) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"].as_array();
        let is_required =
            required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{name}");
        let words = member["enum"].as_array().map(|words| {
            let words = words
                .iter()
                .map(|word| format!("`{}`", word.to_string().trim_matches('"')));
            words.collect::<Vec<_>>().join(", ")
        });
        let description = member["description"].as_str().unwrap_or_default();
        let meaning = match words {
            Some(words) => format!("{description}: {words}"),
            None => description.to_owned(),
        };
        let kinds = kinds(member);
        let kinds = if kinds.is_empty() {
            "any".to_owned()
        } else {
            kinds.join(" or ")
        };
        writeln!(
            table,
            "| `{path}` | {kinds} | {} | {meaning} |",
            if is_required { "yes" } else { "" }
        )
        .unwrap();
        rows(member, &path, table);
        rows(&member["items"], &format!("{path}[_]"), table);
    }
}

/// The row of an example: the request, and `input.ogc` of it.
fn example((target, more): &(&str, &[&str]), input: &Value) -> String {
    let mut method = "GET".to_owned();
    let mut note = String::new();
    for pair in more.chunks(2) {
        match pair {
            ["-X", given] => (*given).clone_into(&mut method),
            ["-H", header] => write!(note, ", {header}").unwrap(),
            _ => {}
        }
    }
    let mut ogc = input["ogc"].as_object().unwrap().clone();
    ogc.retain(|name, value| {
        let is_empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        !(is_empty && ["ignored", "params"].contains(&name.as_str()))
    });
    format!("| `{method} {target}`{note} | `{}` |\n", Value::Object(ogc))
}

#[test]
fn the_page_of_the_input_says_what_there_is() {
    let schema = schema();
    let inputs: Vec<Value> = EXAMPLES.iter().map(input).collect();
    let mut page = BEFORE.to_owned();
    rows(&schema, "", &mut page);
    page.push_str(MIDDLE);
    page.push_str("| Request | `input.ogc` |\n|---|---|\n");
    let mut wrongs = Vec::new();
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (one, input) in EXAMPLES.iter().zip(&inputs) {
        wrong(input, &schema, "input", &mut wrongs);
        for list in LISTS {
            let pointer = format!("/{}", list.replace('.', "/"));
            let word = input.pointer(&pointer).and_then(Value::as_str);
            seen.entry(list)
                .or_default()
                .extend(word.map(str::to_owned));
        }
        let is_of_caller = one
            .1
            .iter()
            .any(|flag| ["--attribute", "--claims"].contains(flag));
        if !is_of_caller {
            page.push_str(&example(one, input).replace("||", "\\|\\|"));
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    for list in LISTS {
        let pointer = list.split('.').fold(String::new(), |path, name| {
            format!("{path}/properties/{name}")
        });
        let words = schema.pointer(&pointer).unwrap()["enum"]
            .as_array()
            .unwrap();
        let words: BTreeSet<String> = words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words, seen[list], "{list}: the schema, and what there is");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if env::var_os("WRITE").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "write {PAGE} anew by `WRITE=1 cargo test --test it input_page`"
    );
}

/// Every member of `tests/corpus/input-members.txt` is in the schema.
#[test]
fn the_schema_has_every_member_of_the_input() {
    let schema = schema();
    let members = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/input-members.txt");
    for line in fs::read_to_string(members).unwrap().lines() {
        let (path, kind) = line.split_once(": ").unwrap();
        let mut part = &schema;
        let mut is_open = false;
        for name in path.split('.') {
            if !part["properties"][name].is_object() {
                is_open = part["additionalProperties"] != Value::Bool(false);
                assert!(is_open, "{path} is not in the schema");
                break;
            }
            part = &part["properties"][name];
        }
        let kinds = kinds(part);
        assert!(
            is_open || kinds.is_empty() || kinds.contains(&kind),
            "{path}: {kind}"
        );
    }
    let other = run(&["schema", "--input", "--shape", "fastgeoapi"]);
    assert!(other["properties"]["request_path"].is_object(), "{other}");
}
