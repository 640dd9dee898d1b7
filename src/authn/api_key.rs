//! API keys. geowarden stores the SHA-256 digest of each key, never the key itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use aws_lc_rs::{constant_time, digest, rand};
use chrono::{DateTime, Utc};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::{Map, Value};
use thiserror::Error;

use super::accepted::KeyScheme;
use super::clock::Clock;
use super::credential::Secret;
use super::error::{AuthnError, AuthnErrorKind, quoted};
use crate::identity::{CredentialKind, Principal};

/// The SHA-256 digest of an empty key. An entry with it would let everyone in, so it is rejected.
const DIGEST_OF_EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// One key as the key file describes it.
#[derive(Clone, PartialEq)]
pub struct KeyEntry {
    /// The name of the key, and the caller's subject.
    pub id: String,
    /// SHA-256 of the key in hexadecimal.
    pub sha256: String,
    /// The attributes of the key's owner, which policies can read.
    pub attributes: Map<String, Value>,
    /// The key is refused from this time on.
    pub expires: Option<DateTime<Utc>>,
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEntry")
            .field("id", &self.id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why one entry is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyProblem {
    /// `sha256` is not 64 hexadecimal digits.
    #[error(
        "key {index}: expected 64 hexadecimal digits in `sha256`, found another text: write the SHA-256 digest of the key, as `geowarden key new` does"
    )]
    BadDigest {
        /// The entry's place, from 0.
        index: usize,
        /// The entry's id.
        id: String,
    },
    /// The digest is that of an empty key.
    #[error(
        "key {index}: expected the digest of a key in `sha256`, found that of an empty text: make a key with `geowarden key new`"
    )]
    EmptyKey {
        /// The entry's place, from 0.
        index: usize,
        /// The entry's id.
        id: String,
    },
    /// An earlier entry has the same id.
    #[error("key {index}: expected an id of its own, found that of an earlier entry: change one")]
    DuplicateId {
        /// The entry's place, from 0.
        index: usize,
        /// The entry's id.
        id: String,
    },
    /// An earlier entry has the same digest: it is the same key.
    #[error("key {index}: expected a key of its own, found that of an earlier entry: remove one")]
    DuplicateKey {
        /// The entry's place, from 0.
        index: usize,
        /// The entry's id.
        id: String,
        /// The id of the earlier entry.
        other: String,
    },
}

/// Every problem of a list of keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct KeyTableError(pub Vec<KeyProblem>);

/// The valid keys, by digest.
#[derive(Default)]
pub struct KeyTable {
    keys: HashMap<Digest, Known>,
}

struct Known {
    digest: Digest,
    expires: Option<DateTime<Utc>>,
    principal: Principal,
    /// When it was last accepted, in seconds since 1970, or [`NEVER`].
    last_used: AtomicI64,
}

/// No use is known.
const NEVER: i64 = i64::MIN;

/// The id of a key, and when it was last accepted; `None` if it never was.
pub type KeyUse = (Arc<str>, Option<SystemTime>);

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyTable")
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl KeyTable {
    /// Builds the table, or returns every problem of the entries.
    pub fn new(entries: Vec<KeyEntry>) -> Result<Self, KeyTableError> {
        let mut keys: HashMap<Digest, Known> = HashMap::with_capacity(entries.len());
        let mut ids = std::collections::HashSet::with_capacity(entries.len());
        let mut problems = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let KeyEntry {
                id,
                sha256,
                attributes,
                expires,
            } = entry;
            if !ids.insert(id.clone()) {
                problems.push(KeyProblem::DuplicateId {
                    index,
                    id: id.clone(),
                });
            }
            if sha256.eq_ignore_ascii_case(DIGEST_OF_EMPTY) {
                problems.push(KeyProblem::EmptyKey { index, id });
                continue;
            }
            let Some(digest) = parse_digest(&sha256) else {
                problems.push(KeyProblem::BadDigest { index, id });
                continue;
            };
            if let Some(earlier) = keys.get(&digest) {
                let other = earlier
                    .principal
                    .key_id
                    .as_deref()
                    .unwrap_or_default()
                    .to_owned();
                problems.push(KeyProblem::DuplicateKey { index, id, other });
                continue;
            }
            let principal = principal(&id, attributes);
            keys.insert(
                digest,
                Known {
                    digest,
                    expires,
                    principal,
                    last_used: AtomicI64::new(NEVER),
                },
            );
        }
        if problems.is_empty() {
            Ok(Self { keys })
        } else {
            Err(KeyTableError(problems))
        }
    }

    /// Builds the table from the valid entries only. The others are left out.
    pub fn from_valid(entries: Vec<KeyEntry>) -> Self {
        let mut all = Self::default();
        for entry in entries {
            let one = Self::new(vec![entry]).unwrap_or_default();
            for (digest, known) in one.keys {
                all.keys.entry(digest).or_insert(known);
            }
        }
        all
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the owner of the key.
    ///
    /// The table is searched by digest, so the time of a search can only reveal the digest of a guess, never a key.
    pub fn check(&self, key: &Secret<'_>, now: DateTime<Utc>) -> Result<Principal, AuthnError> {
        let digest = digest::digest(&digest::SHA256, key.expose());
        let known = <&Digest>::try_from(digest.as_ref())
            .ok()
            .and_then(|digest| self.keys.get(digest))
            .filter(|known| {
                constant_time::verify_slices_are_equal(&known.digest, digest.as_ref()).is_ok()
            })
            .ok_or(AuthnErrorKind::UnknownKey)?;
        if known.expires.is_some_and(|expires| now >= expires) {
            let id = known.principal.key_id.as_deref().unwrap_or_default();
            return Err(AuthnError::because(
                AuthnErrorKind::ExpiredKey,
                format!("key `{id}` has expired"),
            ));
        }
        let second = now.timestamp();
        // Written once a second at most, so that processors do not take the line from each other.
        if known.last_used.load(Ordering::Relaxed) != second {
            known.last_used.store(second, Ordering::Relaxed);
        }
        Ok(known.principal.clone())
    }

    /// When each key was last accepted, by id.
    fn uses(&self) -> Vec<KeyUse> {
        let use_of = |known: &Known| {
            let second = known.last_used.load(Ordering::Relaxed);
            let time = DateTime::from_timestamp(second, 0).filter(|_| second != NEVER);
            Some((known.principal.key_id.clone()?, time.map(SystemTime::from)))
        };
        let mut uses: Vec<KeyUse> = self.keys.values().filter_map(use_of).collect();
        uses.sort();
        uses
    }

    /// Takes the last use of each key that `earlier` has too.
    fn remember(&self, earlier: &Self) {
        for (digest, known) in &self.keys {
            if let Some(earlier) = earlier.keys.get(digest) {
                let second = earlier.last_used.load(Ordering::Relaxed);
                known.last_used.fetch_max(second, Ordering::Relaxed);
            }
        }
    }
}

/// The keys that a chain uses. They can be replaced while the chain is in force, so that a revoked key stops working at
/// once.
#[derive(Debug, Default)]
pub struct KeyRing(ArcSwap<KeyTable>);

impl KeyRing {
    /// A ring with these keys.
    pub fn new(table: KeyTable) -> Self {
        Self(ArcSwap::from_pointee(table))
    }

    /// Replaces the keys, for requests that begin from now on.
    pub fn replace(&self, table: KeyTable) {
        table.remember(&self.0.load());
        self.0.store(Arc::new(table));
    }

    /// Takes the last use of each key that `earlier` has too.
    pub fn remember(&self, earlier: &Self) {
        self.0.load().remember(&earlier.0.load());
    }

    /// When each key was last accepted, by id.
    pub fn uses(&self) -> Vec<KeyUse> {
        self.0.load().uses()
    }
}

fn parse_digest(hex: &str) -> Option<Digest> {
    let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?;
    bytes.try_into().ok()
}

fn principal(id: &str, attributes: Map<String, Value>) -> Principal {
    let id: Arc<str> = Arc::from(id);
    Principal {
        credential: CredentialKind::ApiKey,
        subject: Some(Arc::clone(&id)),
        key_id: Some(id),
        attributes: Arc::new(attributes),
        ..Principal::anonymous()
    }
}

/// Checks API keys.
pub(super) struct ApiKeyAuthenticator {
    pub(super) keys: Arc<KeyRing>,
    pub(super) header: String,
    pub(super) schemes: Vec<KeyScheme>,
    pub(super) realm: String,
    pub(super) clock: Arc<dyn Clock>,
}

impl ApiKeyAuthenticator {
    /// Returns the owner of the key.
    pub(super) fn verify(&self, key: &Secret<'_>) -> Result<Principal, AuthnError> {
        self.keys.0.load().check(key, self.clock.now().into())
    }

    /// The `WWW-Authenticate` values. No scheme is registered for API keys, so the name is geowarden's own; the parameter
    /// `header` says where the key goes. `Basic` makes browsers and QGIS ask for a name and a password (RFC 7617).
    pub(super) fn challenges(&self) -> impl Iterator<Item = String> {
        let realm = quoted(&self.realm);
        let by_header = format!("ApiKey realm={realm}, header={}", quoted(&self.header));
        let is_basic = self.schemes.contains(&KeyScheme::Basic);
        let basic = is_basic.then(|| format!("Basic realm={realm}, charset=\"UTF-8\""));
        [Some(by_header), basic].into_iter().flatten()
    }
}

/// The digest of `key` in hexadecimal, as the key file stores it.
pub fn key_digest(key: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, key).as_ref())
}

/// A new key: `key` is for its owner, `digest` for the key file.
pub struct GeneratedKey {
    /// The key. Only its owner may see it.
    pub key: String,
    /// The digest, which the key file stores.
    pub sha256: String,
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey").finish_non_exhaustive()
    }
}

/// The random number generator of the system failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system's random number generator failed")]
pub struct RandomError;

/// Generates a key of 256 random bits. Secret scanners find leaked keys by the prefix.
pub fn generate_key() -> Result<GeneratedKey, RandomError> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| RandomError)?;
    let key = format!("gw_{}", BASE64URL_NOPAD.encode(&bytes));
    let sha256 = key_digest(key.as_bytes());
    Ok(GeneratedKey { key, sha256 })
}

#[cfg(test)]
mod tests;
