//! Keeps the compiled patterns of a thread, separately for each policy and each kind of pattern.

use std::{cell::RefCell, collections::HashMap};

use regex::Regex;

/// The largest number of patterns for one policy and kind. Policies rarely have so many.
const CAPACITY: usize = 256;
/// The largest number of pairs of a policy and a kind. After a reload, the patterns of the old policy are of no use.
const POLICIES: usize = 16;

/// The language of a pattern. The same text has another meaning in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super::super) enum Kind {
    Regex,
    Template,
}

#[derive(Default)]
struct Compiled {
    /// The current policy.
    policy: u64,
    all: HashMap<(u64, Kind), HashMap<String, Regex>>,
}

thread_local! {
    static COMPILED: RefCell<Compiled> = RefCell::default();
}

/// Sets the policy that this thread evaluates from now on.
pub(in super::super::super) fn begin(policy: u64) {
    COMPILED.with_borrow_mut(|compiled| compiled.policy = policy);
}

/// Calls `work` with a compiled pattern of the current policy. If the pattern is not kept yet, `compile` makes it.
pub(super) fn with<T>(
    (kind, pattern): (Kind, &str),
    compile: impl FnOnce() -> Result<Regex, String>,
    work: impl FnOnce(&Regex) -> Result<T, String>,
) -> Result<T, String> {
    COMPILED.with_borrow_mut(|compiled| {
        let owner = (compiled.policy, kind);
        if compiled.all.len() >= POLICIES && !compiled.all.contains_key(&owner) {
            compiled.all.clear();
        }
        let kept = compiled.all.entry(owner).or_default();
        if let Some(regex) = kept.get(pattern) {
            return work(regex);
        }
        let regex = compile()?;
        if kept.len() >= CAPACITY {
            kept.clear();
        }
        work(kept.entry(pattern.to_owned()).or_insert(regex))
    })
}

#[cfg(test)]
mod tests {
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
