//! Where the engine finds what a path of the author's stands for.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// A full path, `data` first.
pub(super) type Path = Vec<String>;

/// Where documents and functions are, if that is not their own path.
pub(crate) struct Places {
    /// What names that the policy does not have begin with.
    pub(super) prefix: String,
    /// Rules that are elsewhere.
    pub(super) others: BTreeMap<Path, Path>,
    /// Groups of rules that need a rule of their own, with the names of their members.
    pub(super) groups: BTreeMap<Path, BTreeSet<String>>,
    /// The groups that are named.
    asked: RefCell<BTreeSet<Path>>,
    /// The built-ins that a function of the policy stands for.
    builtins: RefCell<BTreeMap<String, usize>>,
    /// Those of them that are called by that function everywhere, so that `with` can replace it.
    pub(super) replaced: BTreeSet<String>,
}

impl Places {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            others: BTreeMap::new(),
            groups: BTreeMap::new(),
            asked: RefCell::default(),
            builtins: RefCell::default(),
            replaced: BTreeSet::new(),
        }
    }

    /// Whether a name is none of the author's.
    pub(crate) fn is_made(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }

    /// The package of all rules that are made for others.
    pub(crate) fn package(&self) -> Vec<String> {
        vec![format!("{}made", self.prefix)]
    }

    fn made(&self, name: String) -> Path {
        let names = self.package().into_iter().chain([name]);
        std::iter::once("data".to_owned()).chain(names).collect()
    }

    /// Where the engine finds a document.
    pub(crate) fn of(&self, path: Path) -> Path {
        if self.groups.contains_key(&path) {
            let group = self.group(&path);
            self.asked.borrow_mut().insert(path);
            return group;
        }
        self.moved(path)
    }

    /// Where the engine finds a rule or what is inside of its value.
    pub(crate) fn moved(&self, path: Path) -> Path {
        for end in (1..=path.len()).rev() {
            let (above, below) = path.split_at(end);
            if let Some(moved) = self.others.get(above) {
                return [moved.as_slice(), below].concat();
            }
        }
        path
    }

    /// Whether a place is that of an object, whatever is in it.
    pub(crate) fn is_group(&self, place: &[String]) -> bool {
        place.get(1) == self.package().first()
    }

    fn group(&self, path: &Path) -> Path {
        let number = self.groups.range(..path.clone()).count();
        self.made(format!("group{number}"))
    }

    /// The groups that are named, with the names of their rules and members.
    pub(crate) fn asked(&self) -> Vec<(Path, String, Vec<String>)> {
        let asked = self.asked.borrow();
        let all = asked.iter().filter_map(|path| {
            let members = self.groups.get(path)?.iter().cloned().collect();
            let name = self.group(path).pop()?;
            Some((path.clone(), name, members))
        });
        all.collect()
    }

    /// A function that does what a built-in does, where the engine cannot replace the built-in itself.
    pub(crate) fn in_place_of(&self, name: &str, arity: usize) -> Option<Path> {
        self.replaced
            .contains(name)
            .then(|| self.builtin(name, arity))
    }

    /// A function that does what a built-in does, since no built-in can stand in place of a function.
    pub(crate) fn builtin(&self, name: &str, arity: usize) -> Path {
        self.builtins.borrow_mut().insert(name.to_owned(), arity);
        self.made(Self::builtin_name(name))
    }

    fn builtin_name(name: &str) -> String {
        format!("builtin_{}", name.replace('.', "__"))
    }

    /// Those built-ins, with the names of their functions and the numbers of their arguments.
    pub(crate) fn builtins(&self) -> Vec<(String, String, usize)> {
        let all = self.builtins.borrow();
        all.iter()
            .map(|(name, arity)| (name.clone(), Self::builtin_name(name), *arity))
            .collect()
    }
}
