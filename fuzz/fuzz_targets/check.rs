//! Any bytes as a CheckRequest: decoded, read, and shown as a policy would see it.
#![no_main]

use envoy_types::ext_authz::v3::pb::CheckRequest;
use geowarden::{
    identity::Principal,
    policy::{Question, input},
    request::{
        CheckInput,
        ogc::{RawRequest, Reader},
    },
};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|bytes: &[u8]| {
    let Ok(check) = CheckRequest::decode(bytes) else {
        return;
    };
    let Ok(check) = CheckInput::from_envoy(check) else {
        return;
    };
    let read = Reader::default().read(&RawRequest {
        method: &check.method,
        target: &check.target,
        headers: &check.headers,
        body: &check.body,
    });
    if let Ok(resource) = read {
        let principal = Principal::anonymous();
        let question = Question {
            check: &check,
            resource: &resource,
            principal: &principal,
        };
        let shown = serde_json::to_value(input::Shape::Native.of(&question));
        assert!(shown.is_ok_and(|shown| shown.is_object()));
    }
});
