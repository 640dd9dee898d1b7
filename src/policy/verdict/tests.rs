use serde_json::json;

use super::*;

#[test]
fn only_true_allows() {
    assert!(Verdict::from_value(Some(json!(true))).unwrap().allowed);
    assert!(
        Verdict::from_value(Some(json!({"allowed": true})))
            .unwrap()
            .allowed
    );
    for denied in [Some(json!(false)), Some(json!({"allowed": false})), None] {
        assert!(!Verdict::from_value(denied).unwrap().allowed);
    }
    for broken in [
        json!("true"),
        json!(1),
        json!([true]),
        json!(null),
        json!({}),
        json!({"allowed": "true"}),
        json!({"allowed": 1}),
        json!({"allow": true}),
        json!({"allowed": true, "headers": 1}),
        json!({"allowed": true, "headers": {":path": "/secret"}}),
        json!({"allowed": true, "headers": {"x": "a\r\nb"}}),
        json!({"allowed": true, "headers": {"host": "other"}}),
        json!({"allowed": true, "request_headers_to_remove": ["a", 1]}),
        json!({"allowed": false, "http_status": 200}),
        json!({"allowed": false, "http_status": "403"}),
        json!({"allowed": false, "body": {}}),
        json!({"allowed": false, "reason_user": 1}),
        json!({"allowed": true, "dynamic_metadata": []}),
        json!({"allowed": true, "query_parameters_to_set": {"limit": ["1", "2"]}}),
        json!({"allowed": true, "query_parameters_to_set": [{"limit": "1"}, {"limit": "1"}]}),
    ] {
        assert!(
            Verdict::from_value(Some(broken.clone())).is_err(),
            "{broken}"
        );
    }
}

#[test]
fn a_denial_can_hide() {
    let verdict = Verdict::from_value(Some(
        json!({"allowed": false, "http_status": 404, "reason": "no such collection"}),
    ))
    .unwrap();
    assert_eq!(verdict.http_status, DenialStatus::new(404));
    assert_eq!(verdict.reason.as_deref(), Some("no such collection"));
}

#[test]
fn a_misspelt_member_is_no_verdict() {
    for (value, misspelt) in [
        (
            json!({"allowed": true, "query_parameter_to_set": {"limit": "10"}}),
            Some(("query_parameter_to_set", "query_parameters_to_set")),
        ),
        (
            json!({"allowed": true, "header": {"x-a": "b"}}),
            Some(("header", "headers")),
        ),
        (
            json!({"allowed": false, "reasons": "no"}),
            Some(("reasons", "reason")),
        ),
        (json!({"allowed": true, "id": "x", "body": 1}), None),
        (json!({"allowed": false, "ttl": 5}), None),
    ] {
        let told = Verdict::from_value(Some(value.clone())).err();
        let wanted = misspelt.map(|(found, like)| VerdictError::Misspelt {
            found: found.to_owned(),
            like: like.to_owned(),
        });
        assert_eq!(told, wanted, "{value}");
    }
}
