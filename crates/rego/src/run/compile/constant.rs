//! Which values are known before there is a request, and which can be undefined.

use std::collections::BTreeSet;

use regorus::Value;

use crate::{core::Term, run::term::constant as of_scalar};

/// Whether a value can be undefined once its variables have values.
pub(super) fn can_be_undefined(term: &Term) -> bool {
    match term {
        Term::Scalar(_) | Term::Local(_) | Term::Comprehension(..) => false,
        Term::Array(items) | Term::Set(items) => items.iter().any(can_be_undefined),
        Term::Object(pairs) => pairs
            .iter()
            .any(|(key, value)| can_be_undefined(key) || can_be_undefined(value)),
        Term::Document(..) | Term::Inside(..) | Term::Call(..) | Term::Infix(..) => true,
    }
}

/// Whether the body must end if a part of the value is undefined: a function of the policy gets that part as an argument.
pub(super) fn needs_guards(term: &Term) -> bool {
    let any = |terms: &[Term]| terms.iter().any(needs_guards);
    match term {
        Term::Scalar(_) | Term::Local(_) | Term::Comprehension(..) => false,
        Term::Document(_, way) | Term::Inside(_, way) => any(way),
        Term::Call(function, arguments) => {
            let is_rule = matches!(&**function, Term::Document(path, _) if path.first().is_some_and(|root| root == "data"));
            any(arguments) || is_rule && arguments.iter().any(can_be_undefined)
        }
        Term::Infix(_, operands) => needs_guards(&operands.0) || needs_guards(&operands.1),
        Term::Array(items) | Term::Set(items) => any(items),
        Term::Object(pairs) => pairs
            .iter()
            .any(|(key, value)| needs_guards(key) || needs_guards(value)),
    }
}

/// The value of a constant.
pub(super) fn constant(term: &Term) -> Option<Value> {
    match term {
        Term::Scalar(scalar) => Some(of_scalar(scalar)),
        Term::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(constant).collect();
            items.map(Value::from)
        }
        Term::Set(items) => {
            let items: Option<BTreeSet<Value>> = items.iter().map(constant).collect();
            items.map(Value::from)
        }
        Term::Object(pairs) => {
            let mut object = Value::new_object();
            let fields = object.as_object_mut().ok()?;
            for (key, value) in pairs {
                fields.insert(constant(key)?, constant(value)?);
            }
            Some(object)
        }
        _ => None,
    }
}
