//! Operators whose functions have a name that the policy gives to something else.

use super::scope::Scope;
use crate::{diagnostic::Code, source::Span};

impl Scope<'_> {
    /// Reports an operator if a variable, a rule or an import has the name of its function.
    ///
    /// OPA resolves that name as any other: it calls the function of the policy, or rejects the policy.
    pub(super) fn operator(&mut self, sign: &str, function: &str, span: Span) {
        let name = function
            .split_once('.')
            .map_or(function, |(first, _)| first);
        if !self.is_variable(name) && self.document(name).is_none() {
            return;
        }
        self.fault(
            Code::Operator,
            span,
            format!(
                "`{sign}` calls the function `{function}`, and `{name}` is a variable, a rule or an import here"
            ),
            &format!("give `{name}` another name"),
        );
    }
}
