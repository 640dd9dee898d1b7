//! Makes a matcher of a glob, with the shortcuts of OPA's library.

use super::{
    matcher::{Matcher, TooLong, Tree},
    syntax::Node,
};

/// The number of groups of matchers that are tried to be made one.
const MAX_TRIES: usize = 100_000;

pub(super) fn compile(tree: &Node, delimiters: &[char]) -> Result<Matcher, TooLong> {
    Compiler {
        delimiters,
        tries: 0,
    }
    .compile(tree)
}

struct Compiler<'a> {
    delimiters: &'a [char],
    tries: usize,
}

impl Compiler<'_> {
    fn compile(&mut self, tree: &Node) -> Result<Matcher, TooLong> {
        Ok(optimized(match tree {
            Node::AnyOf(all) => {
                if let Some(shorter) = without_common_parts(all)? {
                    return self.compile(&shorter);
                }
                return Ok(Matcher::AnyOf(self.all(all)?));
            }
            Node::Pattern(parts) if parts.is_empty() => return Ok(Matcher::Nothing),
            Node::Pattern(parts) => {
                let all = self.all(parts)?;
                let all = self.minimized(all)?;
                self.joined(&all)?
            }
            Node::Any => Matcher::Any(self.delimiters.to_vec()),
            Node::Super => Matcher::Super,
            Node::Single => Matcher::Single(self.delimiters.to_vec()),
            Node::Nothing => Matcher::Nothing,
            Node::List { of, not } => Matcher::List {
                of: of.clone(),
                not: *not,
            },
            Node::Range { low, high, not } => Matcher::Range {
                low: *low,
                high: *high,
                not: *not,
            },
            Node::Text(text) => Matcher::Text(text.clone()),
        }))
    }

    fn all(&mut self, nodes: &[Node]) -> Result<Vec<Matcher>, TooLong> {
        let matchers = nodes.iter().map(|node| self.compile(node).map(optimized));
        matchers.collect()
    }

    /// One matcher for several, which follow each other.
    fn joined(&mut self, all: &[Matcher]) -> Result<Matcher, TooLong> {
        let [first, rest @ ..] = all else {
            return Err(TooLong);
        };
        if rest.is_empty() {
            return Ok(first.clone());
        }
        if let Some(glued) = self.glued(all)? {
            return Ok(glued);
        }
        let lengths = all
            .iter()
            .enumerate()
            .filter_map(|(at, m)| Some((m.length()?, at)));
        let Some((_, longest)) = lengths.max() else {
            let right = self.joined(rest)?;
            return Ok(Matcher::Tree(Box::new(Tree::new(
                first.clone(),
                None,
                Some(right),
            ))));
        };
        let (left, rest) = all.split_at_checked(longest).ok_or(TooLong)?;
        let (value, right) = rest.split_first().ok_or(TooLong)?;
        let mut side = |side: &[Matcher]| {
            let side = (!side.is_empty()).then(|| self.joined(side));
            side.transpose()
        };
        let (left, right) = (side(left)?, side(right)?);
        Ok(Matcher::Tree(Box::new(Tree::new(
            value.clone(),
            left,
            right,
        ))))
    }

    /// The matchers, with the longest groups of them made one as long as that is possible.
    fn minimized(&mut self, mut all: Vec<Matcher>) -> Result<Vec<Matcher>, TooLong> {
        loop {
            let mut best: Option<(Matcher, usize, usize)> = None;
            for left in 0..all.len() {
                for right in (left + 1..=all.len()).rev() {
                    let Some(glued) = self.glued(all.get(left..right).unwrap_or_default())? else {
                        continue;
                    };
                    let is_better = best.as_ref().is_none_or(|(best, from, to)| {
                        let is_longer = best
                            .length()
                            .zip(glued.length())
                            .is_some_and(|(best, own)| own > best);
                        is_longer || to - from < right - left
                    });
                    if is_better {
                        best = Some((glued, left, right));
                    }
                }
            }
            let Some((glued, left, right)) = best else {
                return Ok(all);
            };
            all.splice(left..right, [glued]);
        }
    }

    fn glued(&mut self, all: &[Matcher]) -> Result<Option<Matcher>, TooLong> {
        self.tries += 1 + all.len();
        if self.tries > MAX_TRIES {
            return Err(TooLong);
        }
        if all.len() < 2 {
            return Ok(None);
        }
        if let Some(every) = every_of(all) {
            return Ok(Some(every));
        }
        let lengths: Option<Vec<usize>> = all.iter().map(Matcher::length).collect();
        Ok(lengths.map(|lengths| Matcher::Row {
            length: lengths.iter().sum(),
            all: all.to_vec(),
        }))
    }
}

/// One matcher for several of single characters and of any text, if they have the same delimiters.
fn every_of(all: &[Matcher]) -> Option<Matcher> {
    let (mut has_any, mut has_super, mut singles) = (false, false, 0);
    let mut delimiters: Option<&[char]> = None;
    for matcher in all {
        let own: &[char] = match matcher {
            Matcher::Super => {
                has_super = true;
                &[]
            }
            Matcher::Any(delimiters) => {
                has_any = true;
                delimiters
            }
            Matcher::Single(delimiters) => {
                singles += 1;
                delimiters
            }
            Matcher::List { of, not: true } => {
                singles += 1;
                of
            }
            _ => return None,
        };
        if delimiters.get_or_insert(own) != &own {
            return None;
        }
    }
    let delimiters = delimiters.unwrap_or_default();
    match (has_any, has_super, singles) {
        (false, true, 0) => return Some(Matcher::Super),
        (true, false, 0) => return Some(Matcher::Any(delimiters.to_vec())),
        (true, _, 1..) | (_, true, 1..) if delimiters.is_empty() => {
            return Some(Matcher::Min(singles));
        }
        _ => {}
    }
    let mut every = Vec::new();
    if singles > 0 {
        every.push(Matcher::Min(singles));
        if !has_any && !has_super {
            every.push(Matcher::Max(singles));
        }
    }
    if !delimiters.is_empty() {
        // Several delimiters count only where they follow each other like this.
        every.push(Matcher::Contains {
            needle: delimiters.iter().collect(),
            not: true,
        });
    }
    Some(Matcher::EveryOf(every))
}

fn optimized(matcher: Matcher) -> Matcher {
    match matcher {
        Matcher::Any(delimiters) if delimiters.is_empty() => Matcher::Super,
        Matcher::AnyOf(mut all) if all.len() == 1 => all.pop().unwrap_or(Matcher::Nothing),
        Matcher::List { of, not: false } if of.len() == 1 => Matcher::Text(of.iter().collect()),
        Matcher::Tree(mut tree) => {
            tree.left = tree.left.map(optimized);
            tree.right = tree.right.map(optimized);
            let Matcher::Text(text) = &tree.value else {
                return Matcher::Tree(tree);
            };
            let text = text.clone();
            match (&tree.left, &tree.right) {
                (None, None) => Matcher::Text(text),
                (Some(Matcher::Super), Some(Matcher::Super)) => Matcher::Contains {
                    needle: text,
                    not: false,
                },
                (Some(Matcher::Super), None) => Matcher::Suffix(text),
                (None, Some(Matcher::Super)) => Matcher::Prefix(text),
                (None, Some(Matcher::Suffix(suffix))) => {
                    Matcher::PrefixSuffix(text, suffix.clone())
                }
                (Some(Matcher::Prefix(prefix)), None) => {
                    Matcher::PrefixSuffix(prefix.clone(), text)
                }
                (Some(Matcher::Any(delimiters)), None) => {
                    Matcher::SuffixAny(text, delimiters.clone())
                }
                (None, Some(Matcher::Any(delimiters))) => {
                    Matcher::PrefixAny(text, delimiters.clone())
                }
                _ => Matcher::Tree(tree),
            }
        }
        other => other,
    }
}

/// The alternatives with their common parts before and after them, or `None` if they have none.
fn without_common_parts(all: &[Node]) -> Result<Option<Node>, TooLong> {
    let patterns: Option<Vec<&[Node]>> = all
        .iter()
        .map(|node| match node {
            Node::Pattern(parts) => Some(parts.as_slice()),
            _ => None,
        })
        .collect();
    let Some(patterns) = patterns.filter(|patterns| patterns.len() > 1) else {
        return Ok(None);
    };
    let (left, right) = common_parts(&patterns);
    if left.is_empty() && right.is_empty() {
        return Ok(None);
    }
    let mut others: Vec<Node> = Vec::new();
    for parts in patterns {
        let end = parts.len().checked_sub(right.len());
        let kept = end.and_then(|end| parts.get(left.len()..end));
        // The library fails where the common parts overlap.
        let node = match kept.ok_or(TooLong)? {
            [] => Node::Nothing,
            kept => Node::Pattern(kept.to_vec()),
        };
        if !others.contains(&node) {
            others.push(node);
        }
    }
    let mut made = Vec::new();
    if !left.is_empty() {
        made.push(Node::Pattern(left));
    }
    match others.as_slice() {
        [Node::Nothing] => {}
        [one] => made.push(one.clone()),
        _ => made.push(Node::AnyOf(others)),
    }
    if !right.is_empty() {
        made.push(Node::Pattern(right));
    }
    Ok(Some(Node::Pattern(made)))
}

/// The parts with which all patterns begin, and those with which they end.
fn common_parts(patterns: &[&[Node]]) -> (Vec<Node>, Vec<Node>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let Some((shortest, tree)) = patterns.iter().enumerate().min_by_key(|(_, all)| all.len())
    else {
        return (left, right);
    };
    let (mut is_left_over, mut is_right_over) = (false, false);
    for at in 0..tree.len() {
        let back = tree.len() - 1 - at;
        if left.len() + right.len() >= tree.len() || is_left_over && is_right_over {
            break;
        }
        for (number, other) in patterns.iter().enumerate() {
            if number == shortest || is_left_over && is_right_over {
                continue;
            }
            is_left_over |= tree.get(at) != other.get(at);
            is_right_over |= !is_left_over && back <= at;
            is_right_over |= tree.get(back) != other.get(back + other.len() - tree.len());
        }
        if !is_left_over {
            left.extend(tree.get(at).cloned());
        }
        if !is_right_over {
            right.extend(tree.get(back).cloned());
        }
    }
    right.reverse();
    (left, right)
}
