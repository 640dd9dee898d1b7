//! Reads any bytes as a CheckRequest. If prost can decode all of it, it also builds the policy's input.
#![no_main]

use envoy_types::ext_authz::v3::pb::CheckRequest;
use geowarden::{
    identity::Principal,
    policy::{Question, input},
    request::{
        CheckInput,
        ogc::Reader,
    },
};
use libfuzzer_sys::fuzz_target;
use prost::{Message, bytes::Bytes};

fuzz_target!(|bytes: &[u8]| {
    let Ok(check) = CheckInput::from_envoy(Bytes::copy_from_slice(bytes)) else {
        return;
    };
    let read = Reader::default().read(&check.raw_request());
    if let Ok(resource) = read {
        let principal = Principal::anonymous();
        let question = Question {
            check: &check,
            resource: &resource,
            principal: &principal,
        };
        let shown = serde_json::to_value(input::Shape::Native.of(&question));
        assert!(shown.is_ok_and(|shown| shown.is_object()) || CheckRequest::decode(bytes).is_err());
    }
});
