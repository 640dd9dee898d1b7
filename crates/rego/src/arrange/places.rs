//! The place in the engine for each path of the author's.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// A full path, `data` first.
pub(super) type Path = Vec<String>;

/// The places of documents and functions, if they differ from their own paths.
pub(crate) struct Places {
    /// The prefix of names that the policy does not have.
    pub(super) prefix: String,
    /// Rules that were moved.
    pub(super) others: BTreeMap<Path, Path>,
    /// The author's paths of rules that only have a part of a document, by the places of these rules.
    pub(super) parts: BTreeMap<Path, Path>,
    /// Groups that need a separate rule, with the names of their members.
    pub(super) groups: BTreeMap<Path, BTreeSet<String>>,
    /// The groups that are used.
    asked: RefCell<BTreeSet<Path>>,
    /// The built-ins that are replaced by a function of the policy.
    builtins: RefCell<BTreeMap<String, usize>>,
    /// The built-ins that are called through that function everywhere, so that `with` can replace it.
    pub(super) replaced: BTreeSet<String>,
}

impl Places {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            others: BTreeMap::new(),
            parts: BTreeMap::new(),
            groups: BTreeMap::new(),
            asked: RefCell::default(),
            builtins: RefCell::default(),
            replaced: BTreeSet::new(),
        }
    }

    /// Whether the author does not use this name.
    pub(crate) fn is_made(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }

    /// The package of all generated rules.
    pub(crate) fn package(&self) -> Vec<String> {
        vec![format!("{}made", self.prefix)]
    }

    fn made(&self, name: String) -> Path {
        let names = self.package().into_iter().chain([name]);
        std::iter::once("data".to_owned()).chain(names).collect()
    }

    /// The place of a document in the engine.
    pub(crate) fn of(&self, path: Path) -> Path {
        if self.groups.contains_key(&path) {
            let group = self.group(&path);
            self.asked.borrow_mut().insert(path);
            return group;
        }
        self.moved(path)
    }

    /// The place of a rule, or of a part of its value.
    pub(crate) fn moved(&self, path: Path) -> Path {
        for end in (1..=path.len()).rev() {
            let (above, below) = path.split_at(end);
            if let Some(moved) = self.others.get(above) {
                return [moved.as_slice(), below].concat();
            }
        }
        path
    }

    /// The author's path of what the engine finds at a place: the reverse of [`Self::of`].
    pub(crate) fn written(&self, place: &[String]) -> Path {
        for end in (1..=place.len()).rev() {
            let (above, below) = place.split_at(end);
            let moved = self
                .others
                .iter()
                .find(|(_, other)| other.as_slice() == above);
            let group = || {
                let asked = self.asked.borrow();
                asked.iter().find(|path| self.group(path) == above).cloned()
            };
            if let Some(path) = moved.map(|(path, _)| path.clone()).or_else(group) {
                return [path.as_slice(), below].concat();
            }
        }
        place.to_vec()
    }

    /// The author's path of the rule at a place. Unlike [`Self::written`], it also names rules that only have a part of a
    /// document, and functions that call a built-in.
    pub(crate) fn author_of(&self, place: &[String]) -> Path {
        let builtin = || {
            let builtins = self.builtins.borrow();
            let name = builtins
                .keys()
                .find(|name| self.made(Self::builtin_name(name)) == place)?;
            Some(name.split('.').map(str::to_owned).collect())
        };
        let part = self.parts.get(place).cloned();
        part.or_else(builtin).unwrap_or_else(|| self.written(place))
    }

    /// Whether the place is always an object.
    pub(crate) fn is_group(&self, place: &[String]) -> bool {
        place.get(1) == self.package().first()
    }

    fn group(&self, path: &Path) -> Path {
        let number = self.groups.range(..path.clone()).count();
        self.made(format!("group{number}"))
    }

    /// The groups that are used, with the names of their rules and members.
    pub(crate) fn asked(&self) -> Vec<(Path, String, Vec<String>)> {
        let asked = self.asked.borrow();
        let all = asked.iter().filter_map(|path| {
            let members = self.groups.get(path)?.iter().cloned().collect();
            let name = self.group(path).pop()?;
            Some((path.clone(), name, members))
        });
        all.collect()
    }

    /// A function that calls a built-in, if the engine cannot replace the built-in itself.
    pub(crate) fn in_place_of(&self, name: &str, arity: usize) -> Option<Path> {
        self.replaced
            .contains(name)
            .then(|| self.builtin(name, arity))
    }

    /// A function that calls a built-in, since a built-in cannot replace a function.
    pub(crate) fn builtin(&self, name: &str, arity: usize) -> Path {
        self.builtins.borrow_mut().insert(name.to_owned(), arity);
        self.made(Self::builtin_name(name))
    }

    fn builtin_name(name: &str) -> String {
        format!("builtin_{}", name.replace('.', "__"))
    }

    /// These built-ins, with the names of their functions and the number of arguments.
    pub(crate) fn builtins(&self) -> Vec<(String, String, usize)> {
        let all = self.builtins.borrow();
        all.iter()
            .map(|(name, arity)| (name.clone(), Self::builtin_name(name), *arity))
            .collect()
    }
}
