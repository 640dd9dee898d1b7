//! Calls the built-in functions of regorus.

use regorus::{
    LimitError, Value,
    unstable::{BUILTINS, Expr, Ref, Source, Span},
};

use super::errors;

/// Functions that accept less than OPA's. Where they give an error, OPA may give a value.
const NARROWER_THAN_OPA: [&str; 8] = [
    "json.marshal_with_options",
    "time.clock",
    "time.date",
    "time.diff",
    "time.format",
    "time.parse_duration_ns",
    "time.parse_ns",
    "time.weekday",
];

/// Calls a function of regorus that geowarden does not replace.
pub(super) fn call(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    by_regorus(name, arguments).map_err(|cause| {
        if NARROWER_THAN_OPA.contains(&name) && !is_undefined_in_opa(&cause) {
            errors::refuse(cause)
        } else {
            cause
        }
    })
}

/// Whether OPA has no value either: the argument has a wrong type, or the number is not a valid time.
fn is_undefined_in_opa(cause: &str) -> bool {
    cause.contains("expects") || cause.contains("could not convert numeric value")
}

/// Calls a function of regorus. The caller must have checked that the arguments are harmless.
pub(super) fn by_regorus(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    let (call, _) = BUILTINS.get(name).ok_or("not available")?;
    let source =
        Source::from_contents(name.to_owned(), String::new()).map_err(|e| e.to_string())?;
    let span = Span {
        source,
        line: 1,
        col: 1,
        start: 0,
        end: 0,
    };
    // The function uses these only to name arguments in errors.
    let parameters: Vec<Ref<Expr>> = arguments
        .iter()
        .map(|_| {
            Ref::new(Expr::Null {
                span: span.clone(),
                value: Value::Null,
                eidx: 0,
            })
        })
        .collect();
    call(&span, &parameters, arguments, true).map_err(|error| {
        let text = error.to_string();
        let last = text.rsplit("error: ").next().unwrap_or_default().trim();
        if error.is::<LimitError>() {
            errors::refuse(last)
        } else {
            last.to_owned()
        }
    })
}
