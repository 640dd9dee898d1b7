//! The types of OPA's built-in functions.

use std::collections::BTreeMap;

use super::kind::Type;
use crate::parse::tree::Operator;

/// The types of the arguments and of the result of each built-in, as OPA 1.20 declares them in its capabilities.
pub(super) struct Declared(BTreeMap<String, (Vec<Type>, Type)>);

impl Declared {
    pub(super) fn load() -> Self {
        // A test reads the file, so that it is never empty.
        Self(serde_json::from_str(include_str!("declared.json")).unwrap_or_default())
    }

    /// The types of the arguments and of the result; `None` for functions that OPA does not have.
    pub(super) fn function(&self, name: &str) -> Option<&(Vec<Type>, Type)> {
        self.0.get(name)
    }
}

/// The built-in of an operator that has one with types; comparisons take any two values.
pub(super) fn of_operator(operator: Operator) -> Option<&'static str> {
    let is_comparison = matches!(
        operator,
        Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
    );
    (!is_comparison).then(|| operator.function())
}

#[cfg(test)]
mod tests {
    use super::{Declared, Type};

    #[test]
    fn the_file_can_be_read() {
        let declared = Declared::load();
        let (arguments, result) = declared.function("startswith").expect("a function of OPA");
        assert_eq!(arguments, &[Type::String, Type::String]);
        assert_eq!(result, &Type::Boolean);
    }
}
