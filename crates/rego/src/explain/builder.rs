//! Makes an explanation from the recorded evaluation.

mod conditions;
mod misses;
mod sought;
mod terms;
mod values;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use self::{
    misses::Miss,
    sought::each_text,
    terms::{is_fixed, is_value, uses},
};
use super::{
    explanation::{Definition, Location, Outcome, Seen},
    frames::{Frames, Leaf},
    notes::{BlockOf, Notes, RuleNote, StepNote},
    words::shown,
};
use crate::{
    arrange::Places,
    core::{Step, Term},
    lower::made::FILE,
    resolve::tree::Scalar,
    run::term::to_json,
    source::Span,
};

/// The largest depth to which rules are followed into the rules that they use.
const MAX_DEPTH: usize = 24;

/// The largest number of members of a set that are shown for one definition.
const MAX_MEMBERS: usize = 8;

/// An evaluation, with everything needed to explain it.
pub(super) struct ExplanationBuilder<'a> {
    notes: &'a Notes,
    frames: &'a Frames,
    places: &'a Places,
    /// The texts that the author wrote.
    texts: &'a BTreeMap<String, String>,
    input: &'a Value,
    /// The texts in `input`.
    texts_of_input: BTreeSet<&'a str>,
    data: &'a Value,
    /// For each frame: the statement that did not hold, so that its query gave no value.
    misses: BTreeMap<usize, Option<Miss>>,
    /// The frames that were explained already.
    shown: BTreeSet<usize>,
}

/// What to explain about the rules that a condition uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Why they do not hold, or not for more values.
    NotMore,
    /// Where their value comes from.
    Given,
    /// Which values they did not give, even if they gave others.
    Missing,
}

impl<'a> ExplanationBuilder<'a> {
    pub(super) fn new(
        notes: &'a Notes,
        places: &'a Places,
        texts: &'a BTreeMap<String, String>,
        frames: &'a Frames,
        (input, data): (&'a Value, &'a Value),
    ) -> Self {
        let mut texts_of_input = BTreeSet::new();
        each_text(input, MAX_DEPTH, &mut |text| {
            texts_of_input.insert(text);
        });
        Self {
            notes,
            frames,
            places,
            texts,
            input,
            texts_of_input,
            data,
            misses: BTreeMap::new(),
            shown: BTreeSet::new(),
        }
    }
}

impl ExplanationBuilder<'_> {
    /// The definitions at `place`, or of all rules below it, outside any `with`.
    pub(super) fn entry(&mut self, place: &[String]) -> Vec<Definition> {
        let frames = self.of_rules(place, None);
        self.definitions(&frames, (Why::NotMore, None), MAX_DEPTH)
    }

    /// Like `entry`, but explains the values that the definitions did not give, even if they gave others.
    pub(super) fn entry_missing(&mut self, place: &[String]) -> Vec<Definition> {
        let frames = self.of_rules(place, None);
        self.definitions(&frames, (Why::Missing, None), MAX_DEPTH)
    }

    /// The `default` of the document at `place`.
    pub(super) fn default_of(&self, place: &[String]) -> Option<Location> {
        let mut rules = self.notes.rules.iter();
        let default = rules.find(|rule| rule.is_default && rule.place == place)?;
        Some(self.place(&default.file, default.span, true))
    }

    /// The `default` of the rule of these bodies, if it counts since none of them gave a value.
    fn default_in_force(&self, frames: &[usize]) -> Option<Location> {
        let rule = self.rule_of(*frames.first()?)?;
        let is_given = frames.iter().any(|frame| self.holds(*frame));
        (!is_given).then(|| self.default_of(&rule.place)).flatten()
    }

    /// The frames of the bodies of a rule, or of all rules below a path. `context` is the `with` in force.
    fn of_rules(&self, place: &[String], context: Option<usize>) -> Vec<usize> {
        let frames = self.frames.frames.iter().enumerate();
        let of_rule = frames.filter(|(_, frame)| {
            let Some(block) = self.notes.blocks.get(frame.block) else {
                return false;
            };
            let rule = self.notes.rules.get(block.rule);
            let is_it = rule.is_some_and(|rule| {
                // A package includes all rules below it.
                let is_near = place.starts_with(&rule.place) || rule.place.starts_with(place);
                !rule.is_function && is_near
            });
            block.of == BlockOf::Body && frame.context == context && is_it
        });
        of_rule.map(|(number, _)| number).collect()
    }

    /// The frames of the bodies of all rules that a statement uses.
    fn looked_at(&self, visit: usize) -> Vec<usize> {
        let Some(at) = self.frames.visits.get(visit) else {
            return Vec::new();
        };
        let Some(step) = self.notes.steps.get(at.step) else {
            return Vec::new();
        };
        let context = self.frames.context(visit, self.notes);
        let mut places = Vec::new();
        let mut functions = Vec::new();
        let steps: Vec<&Step> = match &step.step {
            Step::Not(inner) => vec![inner],
            step => vec![step],
        };
        for step in steps {
            uses(step, &mut places, &mut functions);
        }
        let mut all: Vec<usize> = Vec::new();
        for place in places {
            all.extend(self.of_rules(place, context));
        }
        for frame in &at.inner {
            let rule = self.rule_of(*frame);
            // `with` can put a function in the place of another one, so take the one that was really called.
            if rule.is_some_and(|rule| rule.is_function) && !functions.is_empty() {
                all.push(*frame);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn rule_of(&self, frame: usize) -> Option<&RuleNote> {
        let block = self.frames.frames.get(frame)?.block;
        let block = self.notes.blocks.get(block)?;
        (block.of == BlockOf::Body).then(|| self.notes.rules.get(block.rule))?
    }

    /// Explains bodies. Where a condition asks for a member or key of theirs, only for that one.
    fn definitions(
        &mut self,
        frames: &[usize],
        (why, sought): (Why, Option<&Value>),
        depth: usize,
    ) -> Vec<Definition> {
        let mut all: Vec<((bool, usize, usize), usize)> = Vec::new();
        for frame in frames {
            let sought = self.sought_of(*frame, sought);
            let holds = self.holds_for(*frame, sought);
            if why == Why::Missing && self.miss(*frame).is_none() {
                continue;
            }
            if !holds && why == Why::Given {
                continue;
            }
            let miss = self.miss_of(*frame, sought);
            let left = if holds {
                0
            } else {
                miss.map_or(usize::MAX, |miss| miss.left)
            };
            let passed = miss.map_or(0, |miss| miss.passed);
            let key = (!holds, left, usize::MAX - passed);
            all.push((key, *frame));
        }
        // What is shown first has to be explained first, so that "above" is true.
        all.sort_by_key(|(key, _)| *key);
        let mut found: Vec<Definition> = Vec::new();
        for (_, frame) in all {
            for definition in self.definition(frame, (why, sought), depth) {
                // If a function is called many times, show each different miss once.
                if !found.contains(&definition) {
                    found.push(definition);
                }
            }
        }
        found
    }

    fn holds(&self, frame: usize) -> bool {
        let frame = self.frames.frames.get(frame);
        frame.is_some_and(|frame| !frame.leaves.is_empty())
    }

    fn definition(
        &mut self,
        number: usize,
        (why, sought): (Why, Option<&Value>),
        depth: usize,
    ) -> Vec<Definition> {
        let frames = self.frames;
        let notes = self.notes;
        let Some(frame) = frames.frames.get(number) else {
            return Vec::new();
        };
        let Some(block) = notes.blocks.get(frame.block) else {
            return Vec::new();
        };
        let Some(rule) = notes.rules.get(block.rule) else {
            return Vec::new();
        };
        let Some(depth) = depth.checked_sub(1) else {
            return Vec::new();
        };
        let sought = self.sought_of(number, sought);
        if self.is_made(frame.block, rule) {
            let inner: Vec<usize> = frame
                .visits
                .iter()
                .flat_map(|visit| self.looked_at(*visit))
                .collect();
            return self.definitions(&inner, (why, sought), depth);
        }
        let mut leaves: Vec<&Leaf> = Vec::new();
        if why != Why::Missing {
            let is_asked =
                |leaf: &&Leaf| sought.is_none_or(|sought| leaf.0.first() == Some(sought));
            for leaf in frame.leaves.iter().filter(is_asked) {
                // A set has each of its values from one leaf, and all leaves of another rule give the same.
                let is_new = leaves.iter().all(|other| rule.is_set && other.0 != leaf.0);
                if is_new {
                    leaves.push(leaf);
                }
            }
        }
        let more = leaves.len().saturating_sub(MAX_MEMBERS);
        leaves.truncate(MAX_MEMBERS);
        let miss = self.miss_of(number, sought);
        let has_failed = miss.is_some_and(|miss| miss.has_failed);
        let is_shown_above = !self.shown.insert(number);
        let ends: Vec<Option<&Leaf>> = if leaves.is_empty() {
            vec![None]
        } else {
            leaves.into_iter().map(Some).collect()
        };
        let count = ends.len();
        let mut all = Vec::new();
        for (index, leaf) in ends.into_iter().enumerate() {
            let last = match leaf {
                Some((_, last)) => *last,
                None => miss.map(|miss| miss.at),
            };
            let mut conditions = match last {
                _ if is_shown_above => Vec::new(),
                None => Vec::new(),
                Some(last) if leaf.is_some() => self.conditions(last, depth),
                Some(last) => self.missed(last, depth).into_iter().collect(),
            };
            if leaf.is_some() && !is_shown_above {
                self.gathered(frame, block.span, why, depth, &mut conditions);
            }
            let values = self.values_at(last.map(|at| at.visit), number);
            let words = self.words(rule, &values);
            let arguments = block.arguments.iter().zip(&frame.arguments);
            let arguments =
                arguments.map(|(local, value)| seen(words.text(&Term::Local(*local)), Some(value)));
            let value = leaf.and_then(|(values, _)| values.last());
            let author = self.places.author_of(&rule.place);
            let of = block
                .literals
                .iter()
                .filter(|span| **span != block.span)
                .count();
            all.push(Definition {
                rule: author.join("."),
                place: self.place(&rule.file, block.span, true),
                outcome: match (leaf, has_failed) {
                    (Some(_), _) => Outcome::Held,
                    (None, true) => Outcome::Failed,
                    (None, false) => Outcome::Missed,
                },
                value: value
                    .map(|value| seen(author.last().cloned().unwrap_or_default(), Some(value))),
                arguments: arguments.collect(),
                passed: if leaf.is_some() {
                    of
                } else {
                    miss.map_or(0, |miss| miss.passed).min(of)
                },
                of,
                conditions,
                more: if index + 1 == count { more } else { 0 },
                is_shown_above,
            });
        }
        all
    }

    /// Whether the translation made this body, and it only leads to bodies that the author wrote.
    fn is_made(&self, block: usize, rule: &RuleNote) -> bool {
        let steps = || self.notes.steps.iter().filter(|step| step.block == block);
        let is_head = |step: &StepNote| {
            self.notes
                .blocks
                .get(block)
                .is_some_and(|block| block.span == step.span)
        };
        // What the translation adds are constants as keys, and `false` for a rule that only has to exist.
        let is_added = |step: &StepNote| match &step.step {
            Step::Bind(_, term) => is_value(term) && is_fixed(term, rule),
            step => *step == Step::Test(Term::Scalar(Scalar::Bool(false))),
        };
        let is_never = |step: &StepNote| !matches!(step.step, Step::Bind(..)) && is_added(step);
        rule.file == FILE
            || steps().all(|step| is_head(step) && (is_added(step) || self.leads_to_made(step)))
                && steps().any(|step| is_never(step) || self.leads_to_made(step))
    }

    fn leads_to_made(&self, step: &StepNote) -> bool {
        let (mut places, mut functions) = (Vec::new(), Vec::new());
        uses(&step.step, &mut places, &mut functions);
        let is_made = |place: &&[String]| place.iter().any(|name| self.places.is_made(name));
        let renamed = |place: &&[String]| self.places.written(place) != *place;
        places
            .iter()
            .chain(&functions)
            .any(|place| is_made(place) && !renamed(place))
    }

    /// A part of a text on one line. For the head of a rule, only its first line.
    fn place(&self, file: &str, span: Span, is_head: bool) -> Location {
        let text = self.texts.get(file).map(String::as_str).unwrap_or_default();
        let part = text.get(span.start..span.end).unwrap_or_default();
        let part = if is_head {
            part.lines().next().unwrap_or_default()
        } else {
            part
        };
        let words: Vec<&str> = part.split_whitespace().collect();
        Location {
            file: file.to_owned(),
            line: span.line,
            column: span.column,
            source: words.join(" "),
        }
    }
}

fn add(values: &mut Vec<Seen>, one: Seen) {
    if !values.iter().any(|other| other.name == one.name) {
        values.push(one);
    }
}

fn seen(name: String, value: Option<&Value>) -> Seen {
    Seen {
        name,
        path: None,
        is_replaced: false,
        value: value.and_then(|value| to_json(value).ok()),
        text: value.map(shown),
        missing: None,
    }
}
