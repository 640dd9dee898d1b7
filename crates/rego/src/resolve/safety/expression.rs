//! Terms and expressions as OPA's compiler has them when it looks for unsafe variables.

use crate::{
    resolve::tree::{Collection, Scalar},
    source::Span,
};

/// A variable. The author's variables have their numbers in the rule; generated ones follow.
pub(super) type VariableId = usize;

/// A term without calls.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Scalar(Scalar),
    Variable(VariableId),
    /// The variable at the start, or `None` for a document, and the keys after it.
    Reference(Option<VariableId>, Vec<Operand>),
    Array(Vec<Operand>),
    Set(Vec<Operand>),
    Object(Vec<(Operand, Operand)>),
    Comprehension(Collection, Vec<Expression>),
    /// A template string: the variables that it needs, and its comprehensions.
    Template(Vec<Operand>),
}

/// An expression of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    pub kind: ExpressionKind,
    pub is_negated: bool,
    /// The replacements by `with`.
    pub with: Vec<Operand>,
    /// The place of the author's statement.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExpressionKind {
    Term(Operand),
    /// A call gives values to the variables of its outputs, if those of its inputs have theirs.
    Call {
        inputs: Vec<Operand>,
        outputs: Vec<Operand>,
    },
    Equal(Operand, Operand),
    /// `left := right`: it gives values if all variables of the right side have theirs.
    Assigned {
        left: Operand,
        right: Operand,
    },
    Every {
        domain: VariableId,
        declared: Vec<VariableId>,
        body: Vec<Expression>,
    },
}
