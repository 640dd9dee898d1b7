//! Reads a JSON Schema of `input`: its members and their values.
//!
//! The keywords in use are `type`, `enum`, `properties`, `required`, `additionalProperties` and `items`. geowarden adds
//! these:
//! - `x-asks`: what a policy asks about when it reads this part: `caller`, `resource` or `action`;
//! - `x-anonymous`: the value of a part of the caller where no credential was sent, without members that ask for something else;
//! - `x-public`: values that show nothing secret;
//! - `x-names`: the kind of thing that an id names, such as `collection`;
//! - `x-differs`, `x-differs-at`: this part, or these members, differ in almost every request;
//! - `x-lower-case`: the names of its members are in lower case.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// One part of a schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schema<'a>(pub(super) &'a Json);

/// What a schema says about a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Member<'a> {
    /// It can exist, with this schema.
    Known(Schema<'a>),
    /// It can exist, but the schema says nothing about it.
    Open,
    /// It cannot exist.
    None,
}

impl<'a> Schema<'a> {
    fn get(self, keyword: &str) -> Option<&'a Json> {
        self.0.get(keyword)
    }

    /// The types of its values, by their names in JSON Schema. Empty if the schema does not say.
    pub(super) fn kinds(self) -> Vec<&'a str> {
        match self.get("type") {
            Some(Json::String(kind)) => vec![kind],
            Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The values that it can have, if the schema lists them.
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

    /// Whether a policy that reads this part asks for this.
    pub(super) fn is_of(self, what: &str) -> bool {
        self.word("x-asks") == Some(what)
    }

    /// The value of this part where no credential was sent.
    pub(super) fn anonymous(self) -> Option<&'a Json> {
        self.get("x-anonymous")
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
        if self.is("x-lower-case") && name.chars().any(char::is_uppercase) {
            return Member::None;
        }
        match self.get("additionalProperties") {
            Some(Json::Bool(false)) => Member::None,
            Some(other @ Json::Object(_)) => Member::Known(Self(other)),
            _ => Member::Open,
        }
    }

    /// The names of the members that the schema lists.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        let all = self.get("properties").and_then(Json::as_object);
        all.into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The members that the schema lists.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let all = self.get("properties").and_then(Json::as_object);
        all.into_iter()
            .flatten()
            .map(|(name, schema)| (name.as_str(), Self(schema)))
    }

    /// Whether the schema requires this member.
    pub(super) fn requires(self, name: &str) -> bool {
        self.words("required").any(|required| required == name)
    }

    /// The schema of its elements. For an object without listed members, the schema that all members share.
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

    /// The type of a value that has neither members nor elements. `None` if it may have some.
    pub(super) fn scalar(self) -> Option<&'a str> {
        let kinds = self.kinds();
        let is_scalar = |kind: &&str| !matches!(*kind, "object" | "array");
        kinds
            .first()
            .copied()
            .filter(|_| kinds.iter().all(is_scalar))
    }

    /// The part at a path of names, or `None` if the schema says nothing about it.
    pub(super) fn at(self, path: &[String]) -> Option<Self> {
        path.iter()
            .try_fold(self, |part, name| match part.member(name) {
                Member::Known(known) => Some(known),
                Member::Open | Member::None => None,
            })
    }

    /// What a policy asks about when it reads this path. All parts along the path count. The parts below the end of the
    /// path count too.
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

    /// The first part, here or below, that differs in almost every request.
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

    /// Every path that ends with this name, written as in a policy.
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
