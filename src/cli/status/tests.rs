use super::*;

#[test]
fn a_text_of_several_lines_has_them_below_each_other() {
    let status = StatusResponse {
        warnings: vec!["authz.rego:1:1: one\nauthz.rego:2:1: \u{202e}two".to_owned()],
        ..StatusResponse::default()
    };
    let line = as_text(&status);
    let expected = ": authz.rego:1:1: one\n    authz.rego:2:1: \\u{202e}two\n";
    assert!(line.contains(expected), "{line}");
}

#[test]
fn a_server_s_time_that_cannot_be_written_is_unknown() {
    let last = i64::try_from(YEAR_10000).unwrap_or_default() - 1;
    for (seconds, nanos, known) in [
        (0, 0, true),
        (last, 999_999_999, true),
        (last + 1, 0, false),
        (last, 1_000_000_000, false),
        (-1, 0, false),
        (0, -1, false),
        (i64::MAX, i32::MAX, false),
        (i64::MIN, i32::MIN, false),
    ] {
        let time = Some(Timestamp { seconds, nanos });
        assert_eq!(rfc3339(time).is_some(), known, "{seconds} {nanos}");
        assert_eq!(moment(time) != "unknown", known, "{seconds} {nanos}");
    }
    assert_eq!(rfc3339(None), None);
}
