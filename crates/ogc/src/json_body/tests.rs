use super::*;
use crate::Headers;

fn outcome(action: Action, headers: &[(&str, &str)], body: &[u8]) -> Result<Option<Value>, Rule> {
    outcome_of(action, headers, body, false)
}

fn outcome_of(
    action: Action,
    headers: &[(&str, &str)],
    body: &[u8],
    is_partial: bool,
) -> Result<Option<Value>, Rule> {
    let headers: Headers = headers.iter().map(|(n, v)| (*n, *v)).collect();
    let request = RawRequest {
        method: "POST",
        target: b"/",
        headers: &headers,
        body,
        is_partial,
    };
    read(&request, action).map_err(|refusal| refusal.rule())
}

#[test]
fn a_body_that_parsers_read_differently_is_refused() {
    for (body, rule) in [
        (r#"{"a": 1, "a": 2}"#, Rule::RepeatedMember),
        (r#"{"a": 1, "\u0061": 2}"#, Rule::RepeatedMember),
        (r#"[{"x": {"b": [], "b": []}}]"#, Rule::RepeatedMember),
        ("{", Rule::Body),
        ("{} {}", Rule::Body),
        (r#"{"a": NaN}"#, Rule::Body),
        (r#"{"a": 1e999}"#, Rule::Body),
        (r#""\ud800""#, Rule::Body),
        ("\u{feff}{}", Rule::Body),
    ] {
        let read = outcome(Action::Create, &[], body.as_bytes());
        assert_eq!(read, Err(rule), "{body}");
    }
    let utf16: Vec<u8> = r#"{"a":1}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(outcome(Action::Search, &[], &utf16), Err(Rule::Body));
    let deep = "[".repeat(100_000);
    assert_eq!(
        outcome(Action::Search, &[], deep.as_bytes()),
        Err(Rule::Body)
    );
    assert_eq!(
        outcome(Action::Execute, &[], br#"{"inputs": {"name": "x"}}"#),
        Ok(Some(serde_json::json!({"inputs": {"name": "x"}})))
    );
}

#[test]
fn a_body_that_was_not_sent_along_selects_nothing_unseen() {
    let long = [("content-length", "10")];
    for (headers, is_partial) in [(&long[..], false), (&[], true)] {
        let outcome = |action, body| outcome_of(action, headers, body, is_partial);
        assert_eq!(outcome(Action::Search, b"{}"), Err(Rule::IncompleteBody));
        assert_eq!(outcome(Action::Read, b""), Err(Rule::UnexpectedBody));
        assert_eq!(outcome(Action::Create, b"{\"a"), Ok(None));
    }
    assert_eq!(
        outcome(Action::Read, &[("content-length", "0")], b""),
        Ok(None)
    );
    for (length, action) in [
        ("x", Action::Search),
        ("1", Action::Search),
        ("1", Action::Create),
        ("1", Action::Execute),
    ] {
        assert_eq!(
            outcome(action, &[("content-length", length)], b"{}"),
            Err(Rule::IncompleteBody),
            "{length} {action:?}"
        );
    }
}

#[test]
fn a_search_by_post_is_one_object() {
    assert_eq!(
        outcome(Action::Search, &[("content-length", "0")], b""),
        Err(Rule::IncompleteBody)
    );
    for body in ["null", "[]", "\"bbox\"", "1", "true"] {
        assert_eq!(
            outcome(Action::Search, &[], body.as_bytes()),
            Err(Rule::Body),
            "{body}"
        );
    }
}
