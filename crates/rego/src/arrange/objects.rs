//! Objects that are made by the names of rules, of which some are not constant.
//!
//! The engine supports `o[key] := value` alone. `o.a := value` beside it is rewritten in this form, since the engine
//! would make a separate rule of it and miss conflicts. In `o[key].b := value`, or with a set below the key, the engine
//! creates the path to the value even if there is no value. Then the rules return paths and values, and the object is
//! built from them.

use std::collections::{BTreeMap, BTreeSet};

use super::places::{Path, Places};
use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{
            Body, Condition, Function, Kind, Literal, LiteralKind, Query, Rule, Scalar, Value,
            Variable,
        },
        uses,
    },
    source::Span,
};

/// Arranges the objects of all files, and returns the paths of rules that are not documents of the author's.
pub(super) fn arrange(
    files: &mut [File],
    places: &mut Places,
) -> Result<BTreeSet<Path>, Vec<Diagnostic>> {
    let found = Found::of(files);
    let mut made = BTreeMap::new();
    let mut hidden = BTreeSet::new();
    let mut diagnostics = Vec::new();
    for (number, object) in found.deep.iter().enumerate() {
        made.insert(object.clone(), Object::new(number, &places.prefix));
    }
    for file in files.iter_mut() {
        let package = file.path_of_package();
        let mut rules = Vec::new();
        for mut rule in std::mem::take(&mut file.rules) {
            let path = [package.as_slice(), rule.path.as_slice()].concat();
            if let Some(object) = found.deep.iter().find(|object| path.starts_with(object)) {
                if let Some(made) = made.get_mut(object) {
                    let has_keys = !rule.keys.is_empty();
                    match made.place(&mut rule, &path, object, &package) {
                        Ok(()) => {
                            let place = [package.as_slice(), rule.path.as_slice()].concat();
                            let author = if has_keys { object } else { &path };
                            places.parts.insert(place.clone(), author.clone());
                            if rule.arguments.is_some() {
                                places.others.insert(path, place);
                            } else {
                                hidden.insert(place);
                            }
                        }
                        Err((code, message, cure)) => {
                            diagnostics.push(fault(file, rule.span, code, message, cure));
                        }
                    }
                }
            } else if let Some((name, above)) = path.split_last()
                && found.plain.contains(above)
            {
                rule.path.pop();
                rule.keys = vec![Value::Scalar(Scalar::String(name.clone()))];
            }
            rules.push(rule);
        }
        file.rules = rules;
    }
    for (object, made) in made {
        let home = files
            .iter_mut()
            .find(|file| Some(file.path_of_package()) == made.package);
        if let Some(file) = home {
            for rule in made.rules(&object) {
                let place = file.path(&rule);
                if place != object {
                    places.parts.insert(place.clone(), object.clone());
                    hidden.insert(place);
                }
                file.rules.push(rule);
            }
        }
    }
    if diagnostics.is_empty() {
        Ok(hidden)
    } else {
        Err(diagnostics)
    }
}

fn fault(file: &File, span: Span, code: Code, message: String, cure: &str) -> Diagnostic {
    Diagnostic {
        code,
        file: file.name.clone(),
        span,
        message,
        cure: Some(cure.to_owned()),
        ..Diagnostic::default()
    }
}

/// The objects with keys that are not constant.
struct Found {
    /// Objects that are built from paths and values.
    deep: BTreeSet<Path>,
    /// Objects with one member for each rule.
    plain: BTreeSet<Path>,
}

impl Found {
    fn of(files: &[File]) -> Self {
        let all = || {
            files
                .iter()
                .flat_map(|file| file.rules.iter().map(|rule| (file.path(rule), rule)))
        };
        let keyed = all().filter(|(_, rule)| !rule.keys.is_empty());
        let objects: BTreeSet<Path> = keyed.map(|(path, _)| path).collect();
        let mut deep = BTreeSet::new();
        for (path, rule) in all() {
            let above = (1..=path.len()).filter_map(|end| path.get(..end));
            let Some(object) = above.into_iter().find(|path| objects.contains(*path)) else {
                continue;
            };
            let is_plain = rule.kind == Kind::Value
                && rule.arguments.is_none()
                && rule.elses.is_empty()
                && !rule.is_default
                && path.len() + rule.keys.len() == object.len() + 1;
            if !is_plain {
                deep.insert(object.to_vec());
            }
        }
        deep.extend(replaced_groups(files));
        let outer = deep.clone();
        deep.retain(|object| {
            let mut above = (1..object.len()).filter_map(|end| object.get(..end));
            !above.any(|path| outer.contains(path))
        });
        let plain = objects
            .into_iter()
            .filter(|object| !deep.iter().any(|other| object.starts_with(other)))
            .collect();
        Self { deep, plain }
    }
}

/// Groups of rules that `with` replaces as a whole, except if one of them uses another: then the whole would use
/// itself.
fn replaced_groups(files: &[File]) -> BTreeSet<Path> {
    let rules = || {
        files
            .iter()
            .flat_map(|file| file.rules.iter().map(move |rule| (file, rule)))
    };
    let is_group = |group: &Path| {
        let mut below = rules().filter(|(file, rule)| {
            let path = file.path(rule);
            path.len() > group.len()
                && path.starts_with(group)
                && group.len() > file.package.len() + 1
        });
        let uses_itself = |rule: &Rule| {
            let mut found = false;
            uses::of_rule(rule, &mut |path, _| found |= path.starts_with(group));
            found
        };
        let mut is_any = false;
        below.all(|(_, rule)| {
            is_any = true;
            !uses_itself(rule)
        }) && is_any
    };
    let replaced: BTreeSet<&Path> = rules().flat_map(|(_, rule)| &rule.replaced).collect();
    let groups = replaced.into_iter().filter(|path| is_group(path));
    groups.cloned().collect()
}

/// An object that is built from paths and values.
struct Object {
    /// The rule whose keys are the paths to values.
    values: String,
    /// The rule whose members are paths with members of the sets there.
    members: String,
    /// The parts with constant names.
    constant: String,
    constants: BTreeMap<Vec<String>, Kind>,
    package: Option<Path>,
    span: Span,
}

impl Object {
    fn new(number: usize, prefix: &str) -> Self {
        let name = |what: &str| format!("{prefix}{what}{number}");
        Self {
            values: name("values"),
            members: name("members"),
            constant: name("constant"),
            constants: BTreeMap::new(),
            package: None,
            span: Span::default(),
        }
    }

    /// Adds a rule to the parts of its object.
    fn place(
        &mut self,
        rule: &mut Rule,
        path: &[String],
        object: &[String],
        package: &[String],
    ) -> Result<(), (Code, String, &'static str)> {
        let below: Vec<String> = path.get(object.len()..).unwrap_or_default().to_vec();
        let name = object.join(".");
        if self.package.get_or_insert_with(|| package.to_vec()) != package {
            return Err((
                Code::TwoPackages,
                format!("`{name}` is made by rules of two packages"),
                "write all its rules in one package",
            ));
        }
        if rule.is_default {
            return Err((
                Code::DefaultPart,
                format!(
                    "OPA has this default where it is asked for by its name, and not in the whole of `{name}`"
                ),
                "write the value as an `else`",
            ));
        }
        if self.span == Span::default() {
            self.span = rule.span;
        }
        if rule.keys.is_empty() {
            if rule.arguments.is_none() {
                self.constants.insert(below.clone(), rule.kind);
            }
            let constant = std::iter::once(self.constant.clone());
            rule.path = constant.chain(below).collect();
            return Ok(());
        }
        let keys = std::mem::take(&mut rule.keys);
        let way = Value::Array(names(&below).chain(keys).collect());
        if rule.kind == Kind::Member {
            let member = rule.body.value.take();
            let member = member.unwrap_or(Value::Scalar(Scalar::Bool(true)));
            rule.body.value = Some(Value::Array(vec![way, member]));
            rule.path = vec![self.members.clone()];
        } else {
            rule.keys = vec![way];
            rule.path = vec![self.values.clone()];
        }
        Ok(())
    }

    /// The rules of the whole object, and those for the parts with constant names.
    fn rules(&self, object: &[String]) -> Vec<Rule> {
        let package = self.package.clone().unwrap_or_default();
        let document = |names: &[String]| Value::Document {
            path: [package.as_slice(), names].concat(),
            way: Vec::new(),
        };
        let mut rules = Vec::new();
        for (below, kind) in &self.constants {
            let way = Value::Array(names(below).collect());
            let value = document(&[std::slice::from_ref(&self.constant), below].concat());
            if *kind == Kind::Member {
                let mut each = self.made(vec![self.members.clone()]);
                each.kind = Kind::Member;
                each.locals = vec![Variable {
                    name: "member".to_owned(),
                    depth: 1,
                }];
                each.body.query = Some(Query {
                    literals: vec![Literal {
                        kind: LiteralKind::SomeIn {
                            key: None,
                            value: Value::Local(0),
                            collection: value,
                        },
                        is_assignment: false,
                        with: Vec::new(),
                        span: self.span,
                    }],
                });
                each.body.value = Some(Value::Array(vec![way, Value::Local(0)]));
                rules.push(each);
            } else {
                let mut one = self.made(vec![self.values.clone()]);
                one.keys = vec![way];
                one.body.value = Some(value);
                rules.push(one);
            }
        }
        // Parts without a rule of the author's must exist too.
        let never = || Query {
            literals: vec![Literal {
                kind: LiteralKind::Condition(Condition::Value(Value::Scalar(Scalar::Bool(false)))),
                is_assignment: false,
                with: Vec::new(),
                span: self.span,
            }],
        };
        let mut values = self.made(vec![self.values.clone()]);
        values.keys = vec![Value::Array(Vec::new())];
        values.body.query = Some(never());
        let mut members = self.made(vec![self.members.clone()]);
        members.kind = Kind::Member;
        members.body.query = Some(never());
        rules.extend([values, members]);

        let function = Function::Builtin {
            name: "internal.object_by_paths".to_owned(),
            arity: 2,
        };
        let parts = vec![
            document(std::slice::from_ref(&self.values)),
            document(std::slice::from_ref(&self.members)),
        ];
        let mut whole = self.made(object.get(package.len()..).unwrap_or_default().to_vec());
        whole.body.value = Some(Value::Call(function, parts));
        rules.push(whole);
        rules
    }

    fn made(&self, path: Vec<String>) -> Rule {
        Rule {
            is_default: false,
            path,
            keys: Vec::new(),
            arguments: None,
            kind: Kind::Value,
            body: Body {
                query: None,
                value: None,
                span: self.span,
            },
            elses: Vec::new(),
            replaced: Vec::new(),
            locals: Vec::new(),
            span: self.span,
        }
    }
}

fn names(way: &[String]) -> impl Iterator<Item = Value> {
    way.iter()
        .map(|name| Value::Scalar(Scalar::String(name.clone())))
}
