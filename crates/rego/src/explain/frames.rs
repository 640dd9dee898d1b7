//! Puts the notes of an evaluation in order: which query was evaluated for which statement, and how far it came.
//!
//! No rule uses itself. So an open query that is entered again starts from the beginning. If no statement of the
//! innermost query is open, that query has ended.

use regorus::Value;

use super::{
    notes::{BlockOf, Notes},
    recorder::Note,
};

/// An evaluation.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// All queries that were entered, once for each time.
    pub frames: Vec<Frame>,
    /// All statements that were begun, once for each time.
    pub visits: Vec<Visit>,
}

/// One time that a query was entered.
#[derive(Debug)]
pub(super) struct Frame {
    /// The query.
    pub block: usize,
    /// The values of its arguments.
    pub arguments: Vec<Value>,
    /// The statement that needed the query, or `None` for the document to explain.
    pub parent: Option<usize>,
    /// The surrounding statement that has a `with`, if any.
    pub context: Option<usize>,
    /// The visits of its statements.
    pub visits: Vec<usize>,
    /// All that it gave.
    pub leaves: Vec<Leaf>,
    /// The statements that hold so far.
    path: Vec<Position>,
    /// The statement that has begun but not ended.
    open: Option<usize>,
}

/// The values that a query gave, and the last statement before it.
pub(super) type Leaf = (Vec<Value>, Option<Position>);

/// A statement and, if it goes through a collection, the current element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub visit: usize,
    pub element: Option<usize>,
}

/// One time that a statement was evaluated.
#[derive(Debug)]
pub(super) struct Visit {
    /// The statement.
    pub step: usize,
    /// The query.
    pub frame: usize,
    /// The place before it in the same query.
    pub before: Option<Position>,
    /// The values of its variables.
    pub locals: Vec<Value>,
    /// Its result, or `None` if the evaluation failed in it.
    pub outcome: Option<StepResult>,
    /// The elements that it found in its collection.
    pub elements: Vec<Vec<Value>>,
    /// The queries that it needed.
    pub inner: Vec<usize>,
}

/// The result of a statement.
#[derive(Debug)]
pub(super) struct StepResult {
    pub value: Option<Value>,
    pub operands: Vec<Option<Value>>,
    pub holds: bool,
}

impl Frames {
    /// Puts the notes in order, or returns `None` if they contradict each other.
    pub(super) fn of(notes: Vec<Note>, all: &Notes) -> Option<Self> {
        let mut frames = Self::default();
        let mut stack: Vec<usize> = Vec::new();
        for note in notes {
            match note {
                Note::Enter(block, arguments) => frames.enter(block, arguments, all, &mut stack),
                Note::Begin(step, locals) => {
                    let block = all.steps.get(step)?.block;
                    let order = all.steps.get(step)?.order;
                    let frame = frames.back_to(block, &mut stack)?;
                    frames.begin(frame, step, order, locals, all)?;
                }
                Note::End {
                    step,
                    value,
                    operands,
                    holds,
                } => {
                    let frame = frames.back_to(all.steps.get(step)?.block, &mut stack)?;
                    let frame = frames.frames.get_mut(frame)?;
                    let visit = frames.visits.get_mut(frame.open.take()?)?;
                    if visit.step != step {
                        return None;
                    }
                    visit.outcome = Some(StepResult {
                        value,
                        operands,
                        holds,
                    });
                }
                Note::Got(step, element) => {
                    let frame = frames.back_to(all.steps.get(step)?.block, &mut stack)?;
                    let frame = frames.frames.get_mut(frame)?;
                    let is_step = |place: &Position| {
                        let visit = frames.visits.get(place.visit);
                        visit.is_some_and(|visit| visit.step == step)
                    };
                    let at = frame.path.iter().rposition(is_step)?;
                    frame.path.truncate(at + 1);
                    let place = frame.path.last_mut()?;
                    let visit = frames.visits.get_mut(place.visit)?;
                    place.element = Some(visit.elements.len());
                    visit.elements.push(element);
                }
                Note::Leave(block, values) => {
                    let frame = frames.back_to(block, &mut stack)?;
                    let frame = frames.frames.get_mut(frame)?;
                    let last = frame.path.last().copied();
                    frame.leaves.push((values, last));
                }
            }
        }
        Some(frames)
    }

    fn enter(&mut self, block: usize, arguments: Vec<Value>, all: &Notes, stack: &mut Vec<usize>) {
        // A query without an open statement has ended.
        while let Some(top) = stack.last() {
            match self.frames.get(*top) {
                Some(frame) if frame.open.is_some() => break,
                _ => {
                    stack.pop();
                }
            }
        }
        let parent = stack.last().and_then(|top| self.frames.get(*top)?.open);
        let context = parent.and_then(|visit| self.context(visit, all));
        let frame = self.frames.len();
        if let Some(parent) = parent.and_then(|parent| self.visits.get_mut(parent)) {
            parent.inner.push(frame);
        }
        self.frames.push(Frame {
            block,
            arguments,
            parent,
            context,
            visits: Vec::new(),
            leaves: Vec::new(),
            path: Vec::new(),
            open: None,
        });
        stack.push(frame);
    }

    /// Goes back to the frame of an outer query and leaves all queries inside it.
    fn back_to(&self, block: usize, stack: &mut Vec<usize>) -> Option<usize> {
        loop {
            let top = *stack.last()?;
            if self.frames.get(top)?.block == block {
                return Some(top);
            }
            stack.pop();
        }
    }

    fn begin(
        &mut self,
        frame: usize,
        step: usize,
        order: usize,
        locals: Vec<Value>,
        all: &Notes,
    ) -> Option<()> {
        let visit = self.visits.len();
        let open = self.frames.get_mut(frame)?;
        let is_before = |place: &Position| {
            let step = self.visits.get(place.visit).map(|visit| visit.step);
            let other = step.and_then(|step| all.steps.get(step));
            other.is_some_and(|other| other.order < order)
        };
        let kept = open
            .path
            .iter()
            .take_while(|place| is_before(place))
            .count();
        open.path.truncate(kept);
        let before = open.path.last().copied();
        open.path.push(Position {
            visit,
            element: None,
        });
        open.open = Some(visit);
        open.visits.push(visit);
        self.visits.push(Visit {
            step,
            frame,
            before,
            locals,
            outcome: None,
            elements: Vec::new(),
            inner: Vec::new(),
        });
        Some(())
    }

    /// The statement with a `with` that is in force at this visit: this statement or one around it.
    pub(super) fn context(&self, visit: usize, all: &Notes) -> Option<usize> {
        let at = self.visits.get(visit)?;
        if all.steps.get(at.step)?.is_replacing {
            return Some(visit);
        }
        let frame = self.frames.get(at.frame)?;
        match all.blocks.get(frame.block)?.of {
            BlockOf::Body => frame.context,
            BlockOf::Every | BlockOf::Comprehension => self.context(frame.parent?, all),
        }
    }

    /// The places from the first statement to this one.
    pub(super) fn path(&self, place: Position) -> Vec<Position> {
        let mut path = vec![place];
        let mut at = place;
        while let Some(before) = self.visits.get(at.visit).and_then(|visit| visit.before) {
            path.push(before);
            at = before;
        }
        path.reverse();
        path
    }
}
