//! Finds the ids in policy data. A rule about an id that no request can have would look correct but never
//! apply.

use geowarden_yaml::{Document, KeyPath, Mark, Step, display_path};
use serde_json::{Map, Value};

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
/// `roles`. The keys of `collections` can be the names of roles with lists of ids. `is_collection` helps to tell
/// them from ids.
pub(super) fn named(document: &Document, is_collection: &dyn Fn(&str) -> bool) -> Vec<Named> {
    let mut search = Search {
        document,
        is_collection,
        found: Vec::new(),
    };
    search.below(&document.value, &mut Vec::new());
    search.found
}

/// Those among them that are unreachable.
pub(super) fn unreachable(document: &Document) -> Vec<Unreachable> {
    let all = named(document, &|_| true).into_iter();
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

/// A search for ids in a data document.
struct Search<'a> {
    document: &'a Document,
    is_collection: &'a dyn Fn(&str) -> bool,
    found: Vec<Named>,
}

impl Search<'_> {
    fn below(&mut self, value: &Value, path: &mut KeyPath) {
        let kind = Kind::at(path);
        match value {
            Value::Array(items) => self.items(items, kind, path),
            Value::Object(members) => {
                let by_role = kind == Some(Kind::Collection) && self.is_by_role(members);
                for (name, inner) in members {
                    path.push(Step::Key(name.clone()));
                    // Below `processes` and `properties`, names are often those of groups.
                    if kind == Some(Kind::Collection) && !by_role {
                        self.note(name, kind, path);
                    }
                    match inner {
                        Value::Array(items) if by_role => self.items(items, kind, path),
                        inner => self.below(inner, path),
                    }
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn items(&mut self, items: &[Value], kind: Option<Kind>, path: &mut KeyPath) {
        for (index, item) in items.iter().enumerate() {
            path.push(Step::Index(index));
            match item {
                Value::String(id) if kind.is_some() => self.note(id, kind, path),
                inner => self.below(inner, path),
            }
            path.pop();
        }
    }

    fn note(&mut self, id: &str, kind: Option<Kind>, path: &KeyPath) {
        self.found.extend(kind.map(|kind| Named {
            mark: self.document.mark(path),
            path: display_path(path),
            id: id.to_owned(),
            kind,
        }));
    }

    /// Whether the keys of `collections` are names of roles: none is a collection, and a key is a role of this document, or a value
    /// names a collection.
    fn is_by_role(&self, members: &Map<String, Value>) -> bool {
        let names_collections = |value: &Value| match value {
            Value::String(id) => (self.is_collection)(id),
            Value::Array(items) => items
                .iter()
                .filter_map(Value::as_str)
                .any(|id| (self.is_collection)(id)),
            _ => false,
        };
        let roles = self.document.value.get("roles");
        let is_role = |name: &str| match roles {
            Some(Value::Object(roles)) => roles.contains_key(name),
            Some(Value::Array(roles)) => roles.iter().any(|role| role == name),
            _ => false,
        };
        members.keys().all(|name| !(self.is_collection)(name))
            && members
                .iter()
                .any(|(name, value)| is_role(name) || names_collections(value))
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
