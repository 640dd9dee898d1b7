//! Finds the ids in policy data. A rule about an id that no request can have would look correct but never
//! apply.

use geowarden_yaml::{Document, KeyPath, Mark, Step, display_path};
use serde_json::Value;

use crate::request::ogc::{Refusal, reachable_collection_id};

/// The lists below `roles` with which the default policy names collections.
const ACCESS: [&str; 3] = ["read", "write", "execute"];

/// An id, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) mark: Option<Mark>,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) kind: Kind,
}

/// What an id can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Collection,
    Process,
    Property,
    /// What a role may do names both.
    CollectionOrProcess,
}

impl Kind {
    /// What the lists and keys at a path name.
    fn at(path: &[Step]) -> Option<Self> {
        if let [.., Step::Key(roles), Step::Key(_), Step::Key(access)] = path
            && roles == "roles"
            && ACCESS.contains(&access.as_str())
        {
            return Some(Self::CollectionOrProcess);
        }
        match path.last() {
            Some(Step::Key(name)) => match name.as_str() {
                "collections" => Some(Self::Collection),
                "processes" => Some(Self::Process),
                "properties" => Some(Self::Property),
                _ => None,
            },
            _ => None,
        }
    }
}

/// An id that no request can ask for, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreachable {
    pub(super) line: Option<usize>,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) refusal: Refusal,
}

/// The ids of a data document: in lists and keys of every `collections`, and in the lists of every `processes` and `properties` and of
/// `roles`.
pub(super) fn named(document: &Document) -> Vec<Named> {
    let mut found = Vec::new();
    search(&document.value, &mut Vec::new(), document, &mut found);
    found
}

/// Those among them that are unreachable.
pub(super) fn unreachable(document: &Document) -> Vec<Unreachable> {
    let all = named(document).into_iter();
    all.filter_map(|named| {
        if !matches!(named.kind, Kind::Collection | Kind::CollectionOrProcess) {
            return None;
        }
        let refusal = reachable_collection_id(&named.id).err()?;
        Some(Unreachable {
            line: named.mark.map(|mark| mark.line),
            path: named.path,
            id: named.id,
            refusal,
        })
    })
    .collect()
}

fn search(value: &Value, path: &mut KeyPath, document: &Document, found: &mut Vec<Named>) {
    let kind = Kind::at(path);
    let note = |id: &str, path: &KeyPath, found: &mut Vec<Named>| {
        found.extend(kind.map(|kind| Named {
            mark: document.mark(path),
            path: display_path(path),
            id: id.to_owned(),
            kind,
        }));
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                match item {
                    Value::String(id) if kind.is_some() => note(id, path, found),
                    inner => search(inner, path, document, found),
                }
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, inner) in members {
                path.push(Step::Key(name.clone()));
                // Below `processes` and `properties`, names are often those of groups.
                if kind == Some(Kind::Collection) {
                    note(name, path, found);
                }
                search(inner, path, document, found);
                path.pop();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String)> {
        unreachable(&Document::parse(text).unwrap())
            .into_iter()
            .map(|found| (format!("{}:{}", found.line.unwrap(), found.path), found.id))
            .collect()
    }

    #[test]
    fn ids_are_found_where_policies_name_them() {
        let found = told(
            "roles:\n  reader:\n    read: ['*', obs, lakes, a/items]\ncollections:\n  ns/roads: {}\n  a//b: {x: 1}\ntenants:\n- collections:\n  - b%c\nother: [a/items]\n",
        );
        let expected = [
            ("9:tenants[0].collections[0]", "b%c"),
            ("6:collections.a//b", "a//b"),
            ("3:roles.reader.read[3]", "a/items"),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (place, id) in expected {
            assert!(
                found.contains(&(place.to_owned(), id.to_owned())),
                "{place}: {found:?}"
            );
        }
    }
}
