//! A JSON Schema of `input`, as far as it tells which members there are and which values they have.
//!
//! Read are `type`, `enum`, `properties`, `required`, `additionalProperties` and `items`, and beside them:
//! - `x-asks`: what a policy asks by this part: `caller`, `resource` or `action`;
//! - `x-public`: values that show nothing worth guarding;
//! - `x-names`: the kind of what an id names, such as `collection`;
//! - `x-differs`, `x-differs-at`: the part, or the members of it, that hardly two requests have alike.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// One part of a schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schema<'a>(pub(super) &'a Json);

/// What a schema says of a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Member<'a> {
    /// There can be one, of this schema.
    Known(Schema<'a>),
    /// There can be one, of which nothing is said.
    Open,
    /// There is none.
    None,
}

impl<'a> Schema<'a> {
    fn get(self, keyword: &str) -> Option<&'a Json> {
        self.0.get(keyword)
    }

    /// The kinds of its values by their names in JSON Schema; none where it does not say.
    pub(super) fn kinds(self) -> Vec<&'a str> {
        match self.get("type") {
            Some(Json::String(kind)) => vec![kind],
            Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The values that it can have, where they are listed.
    pub(super) fn values(self) -> Option<&'a [Json]> {
        self.get("enum")?.as_array().map(Vec::as_slice)
    }

    pub(super) fn word(self, keyword: &str) -> Option<&'a str> {
        self.get(keyword)?.as_str()
    }

    pub(super) fn words(self, keyword: &str) -> impl Iterator<Item = &'a str> {
        let words = self.get(keyword).and_then(Json::as_array);
        words.into_iter().flatten().filter_map(Json::as_str)
    }

    pub(super) fn is(self, keyword: &str) -> bool {
        self.get(keyword) == Some(&Json::Bool(true))
    }

    /// The member of an object by its name.
    pub(super) fn member(self, name: &str) -> Member<'a> {
        if let Some(known) = self.get("properties").and_then(|all| all.get(name)) {
            return Member::Known(Self(known));
        }
        let kinds = self.kinds();
        if !kinds.is_empty() && !kinds.contains(&"object") {
            return Member::None;
        }
        match self.get("additionalProperties") {
            Some(Json::Bool(false)) => Member::None,
            Some(other @ Json::Object(_)) => Member::Known(Self(other)),
            _ => Member::Open,
        }
    }

    /// The names of its members, as far as they are listed.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        let all = self.get("properties").and_then(Json::as_object);
        all.into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// Its members, as far as they are listed.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let all = self.get("properties").and_then(Json::as_object);
        all.into_iter()
            .flatten()
            .map(|(name, schema)| (name.as_str(), Self(schema)))
    }

    /// Whether every value has this member.
    pub(super) fn requires(self, name: &str) -> bool {
        self.words("required").any(|required| required == name)
    }

    /// Its elements, or the values of its members where they are all alike.
    pub(super) fn elements(self) -> Option<Self> {
        if let Some(items) = self.get("items") {
            return Some(Self(items));
        }
        let has_own = self.get("properties").is_some();
        let others = self.get("additionalProperties");
        others
            .filter(|others| others.is_object() && !has_own)
            .map(Self)
    }

    /// Whether it is certain that a value has neither members nor elements: the kind that it has.
    pub(super) fn scalar(self) -> Option<&'a str> {
        let kinds = self.kinds();
        let is_scalar = |kind: &&str| !matches!(*kind, "object" | "array");
        kinds
            .first()
            .copied()
            .filter(|_| kinds.iter().all(is_scalar))
    }

    /// The part at a path of names; `None` where nothing is said of it.
    pub(super) fn at(self, path: &[String]) -> Option<Self> {
        path.iter()
            .try_fold(self, |part, name| match part.member(name) {
                Member::Known(known) => Some(known),
                Member::Open | Member::None => None,
            })
    }

    /// What is asked by a part of this path: by it and what is above it, or, where the path ends above, by any of what is
    /// below.
    pub(super) fn asks(self, path: &[String]) -> BTreeSet<&'a str> {
        let mut asks = BTreeSet::new();
        let mut part = self;
        asks.extend(part.word("x-asks"));
        for name in path {
            match part.member(name) {
                Member::Known(known) => part = known,
                Member::Open | Member::None => return asks,
            }
            asks.extend(part.word("x-asks"));
        }
        part.asks_below(&mut asks);
        asks
    }

    fn asks_below(self, asks: &mut BTreeSet<&'a str>) {
        for (_, member) in self.members() {
            asks.extend(member.word("x-asks"));
            member.asks_below(asks);
        }
        if let Some(elements) = self.elements() {
            asks.extend(elements.word("x-asks"));
        }
    }

    /// The first part below that hardly two requests have alike.
    pub(super) fn differs(self, path: &str) -> Option<String> {
        if self.is("x-differs") {
            return Some(path.to_owned());
        }
        if let Some(name) = self.words("x-differs-at").next() {
            return Some(format!("{path}[\"{name}\"]"));
        }
        self.members()
            .find_map(|(name, member)| member.differs(&format!("{path}.{name}")))
    }

    /// Every path that ends with a name, as authors write it.
    pub(super) fn paths_to(self, wanted: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.search(wanted, "input", &mut found);
        found
    }

    fn search(self, wanted: &str, path: &str, found: &mut Vec<String>) {
        for (name, member) in self.members() {
            let path = format!("{path}.{name}");
            member.search(wanted, &path, found);
            if name == wanted {
                found.push(path);
            }
        }
    }
}
