//! Garbage in any field is refused, and the service stays up.

use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Request},
        },
    },
};

use crate::service::{Answer, OSGEO_KEY, Service};

/// A small generator with a fixed seed (xorshift64*), so that failures can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(40);
        (0..length).map(|_| self.next().to_le_bytes()[3]).collect()
    }

    fn text(&mut self) -> String {
        let known = [
            "GET",
            "POST",
            "/",
            "/collections/obs",
            "%",
            "..",
            "Bearer ",
            "\r\n",
            "\u{0}",
            "authorization",
            "x-api-key",
            "content-type",
            "application/json",
            "host",
            ":path",
            "?",
            "&",
            "=",
            "eyJhbGciOiJub25lIn0.e30.",
        ];
        let mut text = String::new();
        for _ in 0..self.below(4) {
            if self.below(2) == 0 {
                text.push_str(known[self.below(known.len())]);
            } else {
                text.push_str(&String::from_utf8_lossy(&self.bytes()));
            }
        }
        text
    }
}

fn garbage(random: &mut Random) -> CheckRequest {
    let headers = |random: &mut Random| {
        (0..random.below(6))
            .map(|_| HeaderValue {
                key: random.text(),
                value: random.text(),
                raw_value: random.bytes(),
            })
            .collect()
    };
    let http = HttpRequest {
        id: random.text(),
        method: random.text(),
        headers: (0..random.below(4))
            .map(|_| (random.text(), random.text()))
            .collect(),
        header_map: (random.below(2) == 0).then(|| HeaderMap {
            headers: headers(random),
        }),
        path: random.text(),
        host: random.text(),
        scheme: random.text(),
        query: random.text(),
        fragment: random.text(),
        size: i64::from_le_bytes(random.next().to_le_bytes()),
        protocol: random.text(),
        body: random.text(),
        raw_body: random.bytes(),
    };
    CheckRequest {
        attributes: (random.below(20) > 0).then(|| AttributeContext {
            request: Some(Request {
                http: (random.below(20) > 0).then_some(http),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    }
}

#[tokio::test]
async fn garbage_is_refused_and_the_next_request_served() {
    // A policy that allows every request that reaches it, and reads everything.
    let service = Service::with_policy(
        "package geowarden.authz\n\nallow if {\n\tcount(input) > 3\n\tinput.ogc.collection == \"nowhere\"\n}\n",
    )
    .await;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..5_000 {
        let check = garbage(&mut random);
        let told = format!("{round}: {check:?}");
        let answer = Answer(service.check(check).await);
        assert!(
            matches!(answer.status(), 400 | 401 | 403),
            "{} for {told}",
            answer.status()
        );
    }
    let headers = [("x-api-key", OSGEO_KEY)];
    let served = service.ask("GET", "/collections/nowhere", &headers).await;
    assert_eq!(served.status(), 200);
}
