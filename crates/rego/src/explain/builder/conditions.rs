//! Explains the author's statements: the values that they saw and the rules that they use.

use regorus::Value;

use super::{
    ExplanationBuilder, Why, add, seen,
    terms::{elements, is_nothing_found},
    wanted::is_fewer,
};
use crate::{
    core::{Step, Term},
    explain::{
        explanation::{Condition, Definition, Location, Outcome, Seen, Tried},
        frames::{Frame, Position},
        notes::BlockOf,
        words::KnownValues,
    },
    resolve::tree::Local,
    source::Span,
};

impl ExplanationBuilder<'_> {
    /// The statements up to a place, each with its values.
    pub(super) fn conditions(&mut self, last: Position, depth: usize) -> Vec<Condition> {
        let path = self.frames.path(last);
        let mut groups: Vec<Vec<Position>> = Vec::new();
        let mut span = None;
        for at in path {
            let of = self.span(at);
            match groups.last_mut() {
                Some(group) if of == span => group.push(at),
                _ => groups.push(vec![at]),
            }
            span = of;
        }
        groups
            .into_iter()
            .map(|group| self.condition(&group, Outcome::Held, depth))
            .collect()
    }

    fn span(&self, at: Position) -> Option<Span> {
        let visit = self.frames.visits.get(at.visit)?;
        self.notes.steps.get(visit.step).map(|step| step.span)
    }

    /// The statement that does not hold, with the statements that led to it.
    pub(super) fn missed(&mut self, last: Position, depth: usize) -> Option<Condition> {
        let path = self.frames.path(last);
        let span = self.span(last);
        let group: Vec<Position> = path
            .iter()
            .copied()
            .filter(|at| self.span(*at) == span)
            .collect();
        let has_failed = self.frames.visits.get(last.visit)?.outcome.is_none();
        let outcome = if has_failed {
            Outcome::Failed
        } else {
            Outcome::Missed
        };
        let mut condition = self.condition(&group, outcome, depth);
        let frame = self.frames.visits.get(last.visit)?.frame;
        for at in &path {
            let visit = self.frames.visits.get(at.visit)?;
            let step = self.notes.steps.get(visit.step)?;
            if let Step::Each(_, _, over) = &step.step
                && at.element.is_some()
            {
                let values = self.values_at(Some(at.visit), frame);
                let rule = self.notes.blocks.get(step.block)?.rule;
                let rule = self.notes.rules.get(rule)?;
                condition.tried.push(Tried {
                    over: self.words(rule, &values).text(over),
                    count: visit.elements.len(),
                    some_hold: self.holds(frame),
                });
            }
        }
        Some(condition)
    }

    /// One statement of the author, from the core statements that it was translated to.
    fn condition(&mut self, group: &[Position], outcome: Outcome, depth: usize) -> Condition {
        let notes = self.notes;
        let frames = self.frames;
        let mut values: Vec<Seen> = Vec::new();
        let mut because = Vec::new();
        let mut defaults = Vec::new();
        let mut inside = Vec::new();
        let mut remarks = Vec::new();
        let mut is_negated = false;
        let mut wanted = None;
        let mut place = None;
        for (index, at) in group.iter().enumerate() {
            let Some(visit) = frames.visits.get(at.visit) else {
                continue;
            };
            let Some(step) = notes.steps.get(visit.step) else {
                continue;
            };
            let Some((rule, block)) = notes
                .blocks
                .get(step.block)
                .and_then(|block| notes.rules.get(block.rule).map(|rule| (rule, block)))
            else {
                continue;
            };
            place.get_or_insert_with(|| self.place(&rule.file, step.span, step.span == block.span));
            is_negated |= matches!(step.step, Step::Not(_)) || is_nothing_found(step, rule);
            let known = self.values_at(Some(at.visit), visit.frame);
            self.values(visit, step, rule, &known, &mut values);
            if let (Step::Each(..), Some(element)) = (&step.step, at.element) {
                let locals = elements(&step.step);
                let given = visit.elements.get(element).into_iter().flatten();
                let mut known = known.clone();
                known
                    .locals
                    .extend(locals.iter().copied().zip(given.cloned()));
                let words = self.words(rule, &known);
                for local in &locals {
                    if words.name(*local).is_some() || outcome == Outcome::Held {
                        let value = known.locals.get(local);
                        add(&mut values, seen(words.text(&Term::Local(*local)), value));
                    }
                }
            }
            let is_last = index + 1 == group.len();
            if is_last && outcome == Outcome::Missed && !is_nothing_found(step, rule) {
                wanted = self.wanted(visit, step, rule, &known);
                self.remarks_of_visit(visit, step, rule, &known, &mut remarks);
            }
        }
        let mut visits: Vec<usize> = group.iter().map(|at| at.visit).collect();
        if outcome == Outcome::Missed && !is_negated {
            remarks.extend(self.gathered_values(&visits));
        }
        if outcome != Outcome::Held {
            visits.extend(self.sources(&visits));
        }
        // An undefined part is why the condition misses, and not a rule that has its value.
        let is_undefined = values.iter().any(|value| value.text.is_none());
        for visit in visits {
            for looked in self.by_rule(&self.looked_at(visit)) {
                let sought = self.sought(visit, &looked);
                let sought = sought.as_ref();
                let why = match self.why(&looked, sought, outcome, is_negated) {
                    Why::NotMore if is_undefined && self.has_its_value(&looked) => Why::Given,
                    why => why,
                };
                let some = self.definitions(&looked, (why, sought), depth);
                defaults.extend(self.default_in_force(&looked));
                // Leave out rules without conditions, such as tables: they do not depend on the request. An `else` without
                // conditions decides since what is before it does not hold.
                let (some, bare): (Vec<_>, Vec<_>) = some.into_iter().partition(|one| {
                    one.outcome != Outcome::Held
                        || one.of > 0
                        || is_negated
                        || one.conditions.iter().any(|of| of.place != one.place)
                });
                let is_else = |one: &Definition| one.place.source.starts_with("else");
                because.extend(some);
                because.extend(bare.into_iter().filter(is_else));
            }
            if outcome != Outcome::Held {
                let is_for_fewer = is_negated || wanted.as_ref().is_some_and(is_fewer);
                self.inside(visit, is_for_fewer, depth, &mut inside);
            }
        }
        let place = place.unwrap_or_else(|| Location {
            file: String::new(),
            line: 0,
            column: 0,
            source: String::new(),
        });
        Condition {
            place,
            outcome,
            is_negated,
            tried: Vec::new(),
            values,
            wanted,
            because,
            defaults,
            inside,
            notes: remarks,
        }
    }

    /// The earlier statements from which these statements have their variables.
    fn sources(&self, group: &[usize]) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let mut open = group.to_vec();
        while let Some(visit) = open.pop() {
            let at = self.frames.visits.get(visit);
            let Some(step) = at.and_then(|at| self.notes.steps.get(at.step)) else {
                continue;
            };
            for source in self.before(visit) {
                let is_new = !group.contains(&source) && !found.contains(&source);
                if is_new && self.gives_any(source, &step.locals) {
                    found.push(source);
                    open.push(source);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// The statements that hold before this one: in its query, and in the queries around it.
    fn before(&self, visit: usize) -> Vec<usize> {
        let mut all = Vec::new();
        let mut inner = Some(visit);
        while let Some(visit) = inner {
            let element = None;
            let path = self.frames.path(Position { visit, element });
            all.extend(path.iter().map(|at| at.visit));
            let at = self.frames.visits.get(visit);
            let frame = at.and_then(|at| self.frames.frames.get(at.frame));
            let block = frame.and_then(|frame| self.notes.blocks.get(frame.block));
            inner = frame
                .filter(|_| block.is_some_and(|block| block.of != BlockOf::Body))
                .and_then(|frame| frame.parent);
        }
        all
    }

    fn gives_any(&self, visit: usize, locals: &[Local]) -> bool {
        let at = self.frames.visits.get(visit);
        let step = at.and_then(|at| self.notes.steps.get(at.step));
        step.is_some_and(|step| match &step.step {
            Step::Bind(local, _) => locals.contains(local),
            step => elements(step).iter().any(|local| locals.contains(local)),
        })
    }

    /// Groups frames by their rule, in the order of the rules.
    fn by_rule(&self, frames: &[usize]) -> Vec<Vec<usize>> {
        let mut all: Vec<(Option<&[String]>, Vec<usize>)> = Vec::new();
        for frame in frames {
            let place = self.rule_of(*frame).map(|rule| rule.place.as_slice());
            match all.iter_mut().find(|(other, _)| *other == place) {
                Some((_, found)) => found.push(*frame),
                None => all.push((place, vec![*frame])),
            }
        }
        all.into_iter().map(|(_, frames)| frames).collect()
    }

    /// What to explain about a rule that a condition uses: where its value comes from, or why it has no other value.
    fn why(
        &self,
        frames: &[usize],
        sought: Option<&Value>,
        outcome: Outcome,
        is_negated: bool,
    ) -> Why {
        let gives = |number: &usize| {
            let frame = self.frames.frames.get(*number);
            let leaf = match sought {
                Some(sought) => self.leaf_of(*number, sought),
                None => frame.and_then(|frame| frame.leaves.first()),
            };
            let value = leaf.and_then(|(values, _)| values.last());
            value.is_some_and(|value| *value != Value::Bool(false))
        };
        let is_any = frames.iter().any(gives);
        match outcome {
            Outcome::Held if is_any => Why::Given,
            Outcome::Missed if is_any && is_negated => Why::Given,
            _ => Why::NotMore,
        }
    }

    /// Whether the bodies of a rule have given its one value. Sets, objects and functions can have more.
    fn has_its_value(&self, frames: &[usize]) -> bool {
        let mut has_value = false;
        for number in frames {
            let (Some(frame), Some(rule)) =
                (self.frames.frames.get(*number), self.rule_of(*number))
            else {
                return false;
            };
            let can_have_more = rule.is_set
                || rule.is_function
                || self.is_made(frame.block, rule)
                || frame.leaves.iter().any(|(values, _)| values.len() != 1);
            if can_have_more {
                return false;
            }
            has_value |= !frame.leaves.is_empty();
        }
        has_value
    }

    /// Explains the queries inside a statement.
    fn inside(&mut self, visit: usize, is_for_fewer: bool, depth: usize, all: &mut Vec<Condition>) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let Some(at) = self.frames.visits.get(visit) else {
            return;
        };
        for number in at.inner.clone() {
            let Some(frame) = self.frames.frames.get(number) else {
                continue;
            };
            let of = self.notes.blocks.get(frame.block).map(|block| block.of);
            match (of, frame.leaves.first()) {
                (Some(BlockOf::Every), None) => {
                    if let Some(miss) = self.miss(number)
                        && let Some(mut condition) = self.missed(miss.at, depth)
                    {
                        self.arguments(number, &mut condition);
                        all.push(condition);
                    }
                }
                (Some(BlockOf::Comprehension), _) if !is_for_fewer => {
                    if let Some(miss) = self.miss(number) {
                        all.extend(self.missed(miss.at, depth));
                    }
                }
                (Some(BlockOf::Comprehension), Some((_, Some(last)))) if is_for_fewer => {
                    let last = *last;
                    all.extend(self.conditions(last, depth));
                }
                _ => {}
            }
        }
    }

    /// Explains the comprehension that is the value of a body: what it did not find, or what it found.
    pub(super) fn gathered(
        &mut self,
        frame: &Frame,
        head: Span,
        why: Why,
        depth: usize,
        all: &mut Vec<Condition>,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let is_head = |visit: &&usize| {
            let at = self.frames.visits.get(**visit);
            let step = at.and_then(|at| self.notes.steps.get(at.step));
            step.is_some_and(|step| step.span == head)
        };
        let visits = frame.visits.iter().filter(is_head);
        let inner = visits.filter_map(|visit| self.frames.visits.get(*visit));
        for number in inner
            .flat_map(|visit| visit.inner.clone())
            .collect::<Vec<_>>()
        {
            let Some(frame) = self.frames.frames.get(number) else {
                continue;
            };
            let block = self.notes.blocks.get(frame.block);
            if block.is_none_or(|block| block.of != BlockOf::Comprehension) {
                continue;
            }
            let miss = self.miss(number).filter(|_| why != Why::Given);
            match (miss, frame.leaves.as_slice()) {
                (Some(miss), _) => all.extend(self.missed(miss.at, depth)),
                (None, [(_, Some(last))]) => all.extend(self.conditions(*last, depth)),
                (None, _) => {}
            }
        }
    }

    /// Adds the element for which an `every` does not hold.
    fn arguments(&self, frame: usize, condition: &mut Condition) {
        let Some(frame) = self.frames.frames.get(frame) else {
            return;
        };
        let Some(block) = self.notes.blocks.get(frame.block) else {
            return;
        };
        let Some(rule) = self.notes.rules.get(block.rule) else {
            return;
        };
        let values = KnownValues::default();
        let words = self.words(rule, &values);
        for (local, value) in block.arguments.iter().zip(&frame.arguments).rev() {
            let value = seen(words.text(&Term::Local(*local)), Some(value));
            condition.values.retain(|other| other.name != value.name);
            condition.values.insert(0, value);
        }
    }
}
