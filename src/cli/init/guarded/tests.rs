#![allow(clippy::unwrap_used)]

use super::*;

fn read(text: &str) -> Option<Guarded> {
    Guarded::of(
        "/etc/config.yml".into(),
        text,
        &Document::parse(text).unwrap().value,
    )
}

#[test]
fn resources_and_address_are_found() {
    let text = "server: {bind: {host: 0.0.0.0, port: 5010}, url: 'https://maps.example/geo/', api_rules: {url_prefix: v1}}\n\
            resources:\n  obs: {type: collection, providers: [{editable: true}]}\n  lakes: {type: collection}\n  \
            run: {type: process}\n  stac: {type: stac-collection}\n";
    let found = read(text).unwrap();
    assert_eq!(found.collections, ["lakes", "obs"].map(str::to_owned));
    assert_eq!(found.editable, ["obs"]);
    assert_eq!(found.processes, ["run"]);
    assert_eq!(
        (
            found.port,
            found.script_name.as_str(),
            found.url_prefix.as_str()
        ),
        (5010, "/geo", "/v1")
    );
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
}

#[test]
fn what_the_environment_says_is_assumed() {
    let found = read("server: {bind: {port: '${PORT}'}, url: '${URL}'}\nresources: {}\n").unwrap();
    assert_eq!((found.port, found.script_name.as_str()), (5000, ""));
    assert_eq!(found.notes.len(), 1);
    assert_eq!(read("resources: []"), None);
    assert_eq!(read("a: 1"), None);
}
