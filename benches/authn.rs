//! Measures the cost of authentication, compared with the least that it could cost.
//!
//! `cargo bench --bench authn`

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use divan::{Bencher, black_box};
use geowarden::authn::{
    Algorithm, ApiKeySettings, Audiences, Chain, ChainSettings, IssuerSettings, KeyEntry, KeyRing,
    KeySet, KeySource, KeyTable, SystemClock, generate_key,
};
use geowarden::request::CheckInput;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

const ISSUER: &str = "https://id.example/realms/geo";

fn main() {
    divan::main();
}

/// Runs a future that never waits, without the cost of a runtime.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here should wait"),
    }
}

struct Issued {
    token: String,
    jwk: Value,
    key: ParsedPublicKey,
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// A token of the size and shape that Keycloak issues.
fn token(algorithm: jsonwebtoken::Algorithm, key: &EncodingKey) -> String {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let claims = json!({
        "exp": time + 3600, "iat": time - 1, "jti": "5b0c5dbc-3e5a-4bd5-a9f4-0a2f1e9f0e7d", "iss": ISSUER,
        "aud": ["geo", "account"], "sub": "f2ad0e19-2a40-4f65-b6e0-7f1f0ac6d5a1", "typ": "Bearer", "azp": "qgis",
        "realm_access": {"roles": ["offline_access", "uma_authorization", "default-roles-geo", "editor"]},
        "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
        "scope": "openid email profile", "email_verified": true, "preferred_username": "alice",
        "given_name": "Alice", "family_name": "Liddell", "email": "alice@example.org",
    });
    let header = Header {
        kid: Some("k".to_owned()),
        ..Header::new(algorithm)
    };
    jsonwebtoken::encode(&header, &claims, key).unwrap()
}

fn rs256() -> Issued {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64.encode(der.as_ref())
    );
    Issued {
        token: token(
            jsonwebtoken::Algorithm::RS256,
            &EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        ),
        jwk: json!({"kty": "RSA", "kid": "k", "n": encode(&public.n), "e": encode(&public.e)}),
        key: public
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .unwrap(),
    }
}

fn es256() -> Issued {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = point.split_first().unwrap().1.split_at(32);
    Issued {
        token: token(
            jsonwebtoken::Algorithm::ES256,
            &EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
        ),
        jwk: json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encode(x), "y": encode(y)}),
        key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .parse()
            .unwrap(),
    }
}

fn chain(issued: &Issued, remembered_tokens: usize) -> (Chain, CheckInput) {
    let set = json!({"keys": [issued.jwk]}).to_string();
    let settings = IssuerSettings {
        algorithms: Algorithm::ALL.to_vec(),
        ..IssuerSettings::new(ISSUER, Audiences::OneOf(vec!["geo".to_owned()]))
    };
    let source = KeySource::fixed(ISSUER, KeySet::parse(set.as_bytes()).unwrap());
    let settings = ChainSettings {
        issuers: vec![(settings, source)],
        remembered_tokens,
        ..ChainSettings::default()
    };
    let headers = [
        ("host", "maps.example"),
        ("accept", "application/geo+json"),
        ("authorization", &format!("Bearer {}", issued.token)),
    ];
    (
        Chain::new(settings, Arc::new(SystemClock)).unwrap(),
        CheckInput {
            headers: headers.into_iter().collect(),
            ..CheckInput::default()
        },
    )
}

fn check(bencher: Bencher, issued: &Issued, remembered_tokens: usize) {
    let (chain, asked) = chain(issued, remembered_tokens);
    now(chain.authenticate(&asked)).unwrap();
    bencher.bench(|| now(chain.authenticate(black_box(&asked))).unwrap());
}

fn bare_signature(bencher: Bencher, issued: &Issued) {
    let (message, signature) = issued.token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    bencher.bench(|| {
        issued
            .key
            .verify_sig(black_box(message.as_bytes()), black_box(&signature))
            .unwrap();
    });
}

#[divan::bench]
fn api_key(bencher: Bencher) {
    let keys: Vec<_> = (0..1000).map(|_| generate_key().unwrap()).collect();
    let entry = |(index, key): (usize, &geowarden::authn::GeneratedKey)| KeyEntry {
        id: format!("key-{index}"),
        sha256: key.sha256.clone(),
        attributes: serde_json::Map::new(),
        expires: None,
    };
    let table = KeyTable::new(keys.iter().enumerate().map(entry).collect()).unwrap();
    let api_keys = Some(ApiKeySettings::by_header(
        "x-api-key",
        Arc::new(KeyRing::new(table)),
    ));
    let settings = ChainSettings {
        api_keys,
        ..ChainSettings::default()
    };
    let chain = Chain::new(settings, Arc::new(SystemClock)).unwrap();
    let headers = [
        ("host", "maps.example"),
        ("x-api-key", keys.first().unwrap().key.as_str()),
    ];
    let asked = CheckInput {
        headers: headers.into_iter().collect(),
        ..CheckInput::default()
    };
    bencher.bench(|| now(chain.authenticate(black_box(&asked))).unwrap());
}

#[divan::bench]
fn api_key_floor_digest(bencher: Bencher) {
    let key = generate_key().unwrap().key;
    bencher.bench(|| digest::digest(&digest::SHA256, black_box(key.as_bytes())));
}

#[divan::bench]
fn rs256_first_time(bencher: Bencher) {
    check(bencher, &rs256(), 0);
}

#[divan::bench]
fn rs256_floor_signature(bencher: Bencher) {
    bare_signature(bencher, &rs256());
}

#[divan::bench]
fn es256_first_time(bencher: Bencher) {
    check(bencher, &es256(), 0);
}

#[divan::bench]
fn es256_floor_signature(bencher: Bencher) {
    bare_signature(bencher, &es256());
}

#[divan::bench]
fn rs256_remembered(bencher: Bencher) {
    check(bencher, &rs256(), 4096);
}

#[divan::bench]
fn rs256_remembered_floor_digest(bencher: Bencher) {
    let token = rs256().token;
    bencher.bench(|| digest::digest(&digest::SHA256, black_box(token.as_bytes())));
}
