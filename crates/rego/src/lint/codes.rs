//! The codes of findings in policies that load.

use crate::diagnostic::Code;

/// Each code, with what it reports and what to do.
pub const CODES: [(Code, &str, &str); 11] = [
    (
        Code::Input,
        "a part of `input` that the schema does not have: a condition on it never holds",
        "use the right name",
    ),
    (
        Code::Value,
        "a comparison of a part of `input` with a value, or a type of value, that it never has",
        "use one of the values that the message lists",
    ),
    (
        Code::Data,
        "a path below `data` that no data file and no rule has, also behind a variable, or data of another shape than the condition asks for, such as a text where `in` looks for elements: under `not`, such a condition always holds and can let everybody in",
        "add or correct the data; if it may be missing, add the comment below",
    ),
    (
        Code::UnknownId,
        "an id of a collection, process or property that pygeoapi's configuration does not have, in rules (compared, as a key, or as an argument of a function) or data; or a role of an API key that the default policy's data does not have",
        "use the right id",
    ),
    (
        Code::Condition,
        "a condition that no request meets (`\"a\" in []`, `1 == 2` once variables and constant rules have their values), or that always holds since its value is never false (a text, a list, a part of each request); two that exclude each other (`n > 5` and `n < 3`); a pattern that does not compile; or a body behind another body",
        "compare values; write a second rule for another case",
    ),
    (
        Code::Open,
        "a rule that allows more than its author may expect: it is the default, has no conditions, or checks neither the caller nor the resource and the action; a condition on the caller counts if a caller without a credential does not meet it",
        "compare the caller, the resource and the action",
    ),
    (
        Code::Verdict,
        "a value of the entrypoint that is neither a boolean nor an object with `allowed`, or with a member that is no part of a verdict, such as a `reason` that is no text: each request that gets it is refused",
        "give it `true`, `false`, or an object with `allowed`",
    ),
    (
        Code::Entrypoint,
        "a rule that nothing uses, with almost the name of the entrypoint: what it was to allow is refused",
        "give it the name of the entrypoint",
    ),
    (
        Code::EveryRequest,
        "a note: the rule reads a value that differs in almost every request, or calls a function that gives another value each time; then verdicts are not remembered",
        "read only the parts that the decision needs",
    ),
    (
        Code::Cost,
        "a body that goes through more than 10,000 elements of data for one request",
        "make it an object, and look the value up by its key",
    ),
    (
        Code::Interpreter,
        "a note: the policy has a form, such as `with`, that regorus's register VM cannot evaluate, or is too large for it; the interpreter evaluates the policy then, and needs about five times as long for a request",
        "write it without that form, if decisions take too long",
    ),
];
