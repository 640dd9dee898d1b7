//! Keeps the compiled patterns of a thread, separately for each policy and each kind of pattern.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    thread::LocalKey,
};

/// The largest number of patterns for one policy and kind. Policies rarely have so many.
const CAPACITY: usize = 256;
/// The largest number of pairs of a policy and a kind. After a reload, the patterns of the old policy are of no use.
const POLICIES: usize = 16;

/// The language of a pattern. The same text has another meaning in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Regex,
    Template,
    Glob,
}

/// The patterns of one thread that are compiled to a `C`.
pub(super) struct Compiled<C>(HashMap<(u64, Kind), HashMap<String, C>>);

impl<C> Default for Compiled<C> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// What a pattern is compiled to.
pub(super) trait Pattern: Sized + 'static {
    fn kept() -> &'static LocalKey<RefCell<Compiled<Self>>>;
}

thread_local! {
    /// The policy that this thread evaluates.
    static POLICY: Cell<u64> = const { Cell::new(0) };
}

/// Sets the policy that this thread evaluates from now on.
pub(super) fn begin(policy: u64) {
    POLICY.set(policy);
}

/// Calls `work` with a compiled pattern of the current policy. If the pattern is not kept yet, `compile` makes it.
pub(super) fn with<C: Pattern, T>(
    (kind, pattern): (Kind, &str),
    compile: impl FnOnce() -> Result<C, String>,
    work: impl FnOnce(&C) -> Result<T, String>,
) -> Result<T, String> {
    C::kept().with_borrow_mut(|Compiled(all)| {
        let owner = (POLICY.get(), kind);
        if all.len() >= POLICIES && !all.contains_key(&owner) {
            all.clear();
        }
        let kept = all.entry(owner).or_default();
        if let Some(compiled) = kept.get(pattern) {
            return work(compiled);
        }
        let compiled = compile()?;
        if kept.len() >= CAPACITY {
            kept.clear();
        }
        work(kept.entry(pattern.to_owned()).or_insert(compiled))
    })
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn kept(kind: Kind, pattern: &str) -> bool {
        let mut is_kept = true;
        let compile = || {
            is_kept = false;
            Ok(Regex::new("a").unwrap())
        };
        with((kind, pattern), compile, |_| Ok(())).unwrap();
        is_kept
    }

    #[test]
    fn each_policy_and_each_kind_has_its_own() {
        begin(1);
        assert!(!kept(Kind::Regex, "a*"));
        assert!(kept(Kind::Regex, "a*"));
        assert!(!kept(Kind::Template, "a*"));
        begin(2);
        assert!(!kept(Kind::Regex, "a*"));
        for number in 0..2 * CAPACITY {
            kept(Kind::Regex, &number.to_string());
        }
        assert!(!kept(Kind::Regex, "a*"), "no more are kept than that");
        begin(1);
        assert!(
            kept(Kind::Regex, "a*"),
            "another policy cannot drive it out"
        );
    }
}
