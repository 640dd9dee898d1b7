//! The bytes of a check: bytes that are not a CheckRequest are refused, and so are parts that a policy reads but that
//! cannot be decoded.

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse};
use prost::Message;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::service::{Answer, OSGEO_KEY, Service, request};

/// `attributes` as arbitrary bytes.
#[derive(Clone, PartialEq, Message)]
struct Raw {
    #[prost(bytes, tag = "1")]
    attributes: Vec<u8>,
}

async fn call(service: &Service, method: &'static str, raw: Raw) -> Result<Answer, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", service.grpc)).unwrap();
    let mut client = Grpc::<Channel>::new(endpoint.connect().await.unwrap());
    client.ready().await.unwrap();
    let codec = ProstCodec::<Raw, CheckResponse>::default();
    let method = PathAndQuery::from_static(method);
    let answer = client.unary(Request::new(raw), method, codec).await?;
    Ok(Answer(answer.into_inner()))
}

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// An allowed check with these bytes at the end of its attributes.
fn with_more(more: &[u8]) -> Raw {
    let check = request("GET", "/collections/obs", &[("x-api-key", OSGEO_KEY)]);
    let mut attributes = check.attributes.unwrap().encode_to_vec();
    attributes.extend_from_slice(more);
    Raw { attributes }
}

/// Field 2, the destination, with a byte that is not a message.
const NO_DESTINATION: [u8; 3] = [0x12, 1, 0xff];

#[tokio::test]
async fn what_is_no_check_is_refused_and_the_next_one_served() {
    let service = Service::with_policy("package geowarden.authz\n\nallow := true\n").await;
    let refused = call(&service, CHECK, with_more(&[0x0b])).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.problem()["code"], "unreadable-check");
    service
        .metric(r#"geowarden_decisions_total{outcome="deny",status="400",reason="unreadable-check",principal="unknown",stop="read"} 1"#)
        .await;
    let served = call(&service, CHECK, with_more(&[])).await.unwrap();
    assert_eq!(served.status(), 200);
}

#[tokio::test]
async fn attributes_are_only_decoded_for_who_reads_them_and_refused_if_they_cannot_be() {
    let raw = with_more(&NO_DESTINATION);
    assert!(CheckRequest::decode(raw.encode_to_vec().as_slice()).is_err());
    let does_not_read = Service::with_policy("package geowarden.authz\n\nallow := true\n").await;
    let served = call(&does_not_read, CHECK, raw.clone()).await.unwrap();
    assert_eq!(served.status(), 200);
    let reads = Service::with_policy(
        "package geowarden.authz\n\nallow if not input.attributes.destination.principal\n",
    )
    .await;
    let served = call(&reads, CHECK, with_more(&[])).await.unwrap();
    assert_eq!(served.status(), 200);
    let refused = call(&reads, CHECK, raw).await.unwrap();
    assert_eq!(refused.status(), 503);
}

#[tokio::test]
async fn other_methods_are_unimplemented() {
    let service = Service::example().await;
    let method = "/envoy.service.auth.v3.Authorization/check";
    let status = call(&service, method, Raw::default()).await.err().unwrap();
    assert_eq!(status.code(), Code::Unimplemented);
}
