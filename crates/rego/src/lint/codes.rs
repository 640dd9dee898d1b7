//! The codes of findings in policies that load.

use crate::diagnostic::Code;

/// Each code, with what it reports and what to do.
pub const CODES: [(Code, &str, &str); 8] = [
    (
        Code::Input,
        "a part of `input` that the schema does not have, so that what asks for it never holds",
        "the right name",
    ),
    (
        Code::Value,
        "a comparison of a part of `input` with a value, or a type of value, that it never has",
        "one of the values that are told",
    ),
    (
        Code::Data,
        "a path below `data` that no data file and no rule has; under `not`, what was to be kept out is let in",
        "add the data, or the comment below where it may be missing",
    ),
    (
        Code::UnknownId,
        "an id of a collection, process or property that pygeoapi's configuration does not have, in rules or data",
        "the right id",
    ),
    (
        Code::Condition,
        "a condition that always holds or never, two that exclude each other, or a body behind another body",
        "compare values; a second rule for another case",
    ),
    (
        Code::Open,
        "an allowance for more than its author may think: by default, without conditions, or without asking who calls while writing, or every resource, is allowed",
        "ask for the caller, the resource and the action",
    ),
    (
        Code::EveryRequest,
        "a note: what hardly two requests have alike, or a function with another value each time, so that verdicts are not remembered",
        "name the parts that the decision needs",
    ),
    (
        Code::Cost,
        "a body that goes through more than 10,000 elements of data for one request",
        "an object with what is looked for as its keys",
    ),
];
