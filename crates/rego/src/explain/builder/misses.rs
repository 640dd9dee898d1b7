//! Finds the statement that did not hold, so that its query gave no value. Also counts how near the query was to a value.

use regorus::Value;

use super::ExplanationBuilder;
use crate::{
    core::Step,
    explain::frames::{Position, Visit},
};

/// The statement that did not hold, so that its query gave no value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Miss {
    pub at: Position,
    /// How many of the author's statements hold before it.
    pub passed: usize,
    /// How many statements do not hold yet, including statements of the rules that it uses.
    pub left: usize,
    /// Whether the evaluation failed in this statement.
    pub has_failed: bool,
}

/// Whether a query failed there, whether it is about the member that is asked for, and how far it came.
type Progress = (bool, bool, usize, usize);

/// How many texts of the elements are in the request, and how many values of the statement are defined.
type Likeness = (usize, usize);

impl ExplanationBuilder<'_> {
    /// The position of a statement in its query.
    pub(super) fn literal(&self, visit: &Visit) -> usize {
        let step = self.notes.steps.get(visit.step);
        let found = step.and_then(|step| {
            let block = self.notes.blocks.get(step.block)?;
            block.literals.iter().position(|span| *span == step.span)
        });
        found.unwrap_or_default()
    }

    /// The statement that did not hold, so that its query gave no value.
    pub(super) fn miss(&mut self, frame: usize) -> Option<Miss> {
        if let Some(known) = self.misses.get(&frame) {
            return *known;
        }
        // No rule uses itself. This entry stops an endless loop if one seems to.
        self.misses.insert(frame, None);
        let miss = self.find_miss(frame, None);
        self.misses.insert(frame, miss);
        miss
    }

    /// The statement that did not hold for this member or key.
    pub(super) fn miss_of(&mut self, frame: usize, sought: Option<&Value>) -> Option<Miss> {
        match sought {
            None => self.miss(frame),
            Some(_) => self.find_miss(frame, sought),
        }
    }

    fn find_miss(&mut self, frame: usize, sought: Option<&Value>) -> Option<Miss> {
        let visits = self.frames.frames.get(frame)?.visits.clone();
        let of = self.count(frame);
        // With each miss, how many texts of its elements are in the request, and how many values of its statement are defined: the
        // caller's own element is nearer than another one, and an element that has a value than one without.
        let mut nearest: Option<(Progress, Likeness, Miss)> = None;
        for number in visits {
            let Some(visit) = self.frames.visits.get(number) else {
                continue;
            };
            let has_failed = visit.outcome.is_none();
            let step = self.notes.steps.get(visit.step);
            let searches = step.is_some_and(|step| matches!(step.step, Step::Each(..)));
            let holds = visit.outcome.as_ref().is_some_and(|outcome| outcome.holds);
            let is_over = holds && !(searches && visit.elements.is_empty());
            if is_over {
                continue;
            }
            let passed = self.literal(visit);
            let order = step.map_or(0, |step| step.order);
            let is_sought = sought.is_some_and(|sought| self.is_about(number, sought));
            let key = (has_failed, is_sought, passed, order);
            let is_further = nearest.as_ref().is_none_or(|(other, ..)| key >= *other);
            if !is_further {
                continue;
            }
            let inner = self.looked_at(number);
            let mut least = 1;
            let mut some: Option<usize> = None;
            for frame in inner {
                if let Some(miss) = self.miss(frame) {
                    some = Some(some.map_or(miss.left, |left| left.min(miss.left)));
                }
            }
            if let Some(some) = some {
                least = some.max(1);
            }
            let miss = Miss {
                at: Position {
                    visit: number,
                    element: None,
                },
                passed,
                left: of.saturating_sub(passed + 1) + least,
                has_failed,
            };
            let operands = visit.outcome.iter().flat_map(|outcome| &outcome.operands);
            let likeness = (self.shared(number), operands.flatten().count());
            let is_nearer = nearest.as_ref().is_none_or(|(other, of_other, found)| {
                key > *other
                    || miss.left < found.left
                    || miss.left == found.left && likeness > *of_other
            });
            if is_nearer {
                nearest = Some((key, likeness, miss));
            }
        }
        nearest.map(|(_, _, miss)| miss)
    }

    /// How many of the author's statements a query has.
    pub(super) fn count(&self, frame: usize) -> usize {
        let frame = self.frames.frames.get(frame);
        let block = frame.and_then(|frame| self.notes.blocks.get(frame.block));
        block.map_or(0, |block| block.literals.len())
    }
}
