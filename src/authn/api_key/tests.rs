#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::*;

fn entry(id: &str, key: &str) -> KeyEntry {
    KeyEntry {
        id: id.to_owned(),
        sha256: key_digest(key.as_bytes()),
        attributes: Map::new(),
        expires: None,
    }
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_known_key_is_let_in_with_its_attributes() {
    let mut known = entry("alice", "wonderland");
    known.attributes = json!({"tier": "gold"}).as_object().cloned().unwrap();
    known.sha256 = known.sha256.to_uppercase();
    let table = KeyTable::new(vec![known, entry("bob", "builder")]).unwrap();
    let principal = table
        .check(
            &Secret::new(&b"wonderland"[..]),
            time("2030-01-01T00:00:00Z"),
        )
        .unwrap();
    assert_eq!(principal.credential, CredentialKind::ApiKey);
    assert_eq!(principal.subject.as_deref(), Some("alice"));
    assert_eq!(principal.key_id.as_deref(), Some("alice"));
    assert_eq!(principal.attributes.get("tier"), Some(&json!("gold")));
    assert_eq!(principal.issuer, None);
}

#[test]
fn other_keys_are_refused() {
    let table = KeyTable::new(vec![entry("alice", "wonderland")]).unwrap();
    let digest = key_digest(b"wonderland");
    for guess in [
        "",
        "wonderlan",
        "wonderland ",
        "Wonderland",
        digest.as_str(),
    ] {
        let error = table
            .check(&Secret::new(guess.as_bytes()), time("2030-01-01T00:00:00Z"))
            .unwrap_err();
        assert_eq!(error.kind(), AuthnErrorKind::UnknownKey, "{guess}");
        assert_eq!(error.status(), 401);
    }
}

#[test]
fn a_key_ends_at_its_expiry() {
    let mut known = entry("alice", "wonderland");
    known.expires = Some(time("2030-01-01T00:00:00Z"));
    let table = KeyTable::new(vec![known]).unwrap();
    let at = |text| {
        table
            .check(&Secret::new(&b"wonderland"[..]), time(text))
            .map_err(|r| r.kind())
    };
    assert!(at("2029-12-31T23:59:59.999Z").is_ok());
    assert_eq!(at("2030-01-01T00:00:00Z"), Err(AuthnErrorKind::ExpiredKey));
}

#[test]
fn all_that_is_wrong_with_a_list_is_said() {
    let mut short = entry("short", "x");
    short.sha256.pop();
    let mut text = entry("text", "x");
    text.sha256 = "wonderland".to_owned();
    let entries = vec![
        entry("alice", "wonderland"),
        short,
        text,
        entry("alice", "other"),
        entry("mallory", "wonderland"),
        entry("nobody", ""),
    ];
    let KeyTableError(problems) = KeyTable::new(entries).unwrap_err();
    let id = String::from;
    assert_eq!(
        problems,
        vec![
            KeyProblem::BadDigest {
                index: 1,
                id: id("short")
            },
            KeyProblem::BadDigest {
                index: 2,
                id: id("text")
            },
            KeyProblem::DuplicateId {
                index: 3,
                id: id("alice")
            },
            KeyProblem::DuplicateKey {
                index: 4,
                id: id("mallory"),
                other: id("alice")
            },
            KeyProblem::EmptyKey {
                index: 5,
                id: id("nobody")
            },
        ]
    );
    let text = KeyTableError(problems).to_string();
    assert!(
        text.contains("key 2: ") && !text.contains("`text`"),
        "{text}"
    );
    assert!(!text.contains(&key_digest(b"wonderland")), "{text}");
}

#[test]
fn generated_keys_differ_and_are_known_by_their_digest() {
    let first = generate_key().unwrap();
    let second = generate_key().unwrap();
    assert_ne!(first.key, second.key);
    assert!(first.key.starts_with("gw_"));
    assert_eq!(first.key.len(), 3 + 43);
    let table = KeyTable::new(vec![KeyEntry {
        sha256: first.sha256.clone(),
        ..entry("new", "")
    }])
    .unwrap();
    let now = time("2030-01-01T00:00:00Z");
    assert!(table.check(&Secret::new(first.key.as_bytes()), now).is_ok());
    assert!(
        table
            .check(&Secret::new(second.key.as_bytes()), now)
            .is_err()
    );
    let printed = format!("{first:?} {table:?}");
    assert!(
        !printed.contains(&first.key) && !printed.contains(&first.sha256),
        "{printed}"
    );
}
