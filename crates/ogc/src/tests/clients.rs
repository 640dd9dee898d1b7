//! Requests of real clients (GDAL 3.6, OWSLib 0.36) and of a generator (schemathesis) that plain pygeoapi answered.

use super::*;

/// docs/security-model.md tells why: Flask takes the first value, Starlette the last.
const REFUSED: &str = "properties=name&properties=id";

#[test]
fn what_clients_send_is_read() {
    let corpus = include_str!("../../../../tests/corpus/clients.jsonl");
    for backend in [Backend::Flask, Backend::Starlette] {
        let reader = Reader::new("", backend).unwrap();
        let mut refused = 0;
        for line in corpus.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let target = row["target"].as_str().unwrap();
            let headers: Headers = row["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|h| (h[0].as_str().unwrap(), h[1].as_str().unwrap()))
                .collect();
            let read = reader.read(&RawRequest {
                method: row["method"].as_str().unwrap(),
                target: target.as_bytes(),
                headers: &headers,
                body: row["body"].as_str().unwrap().as_bytes(),
                is_partial: false,
            });
            if target.contains(REFUSED) {
                assert_eq!(read.unwrap_err().rule(), Rule::RepeatedParameter);
                refused += 1;
            } else {
                assert!(read.is_ok(), "{line}: {read:?}");
            }
        }
        assert_eq!(refused, 7);
        assert!(corpus.lines().count() > 800);
    }
}
