//! Looks at keys beside reloads that began before or after.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use tempfile::TempDir;

use super::*;
use crate::{
    config::{Config, Environment},
    files::Fresh,
    reload::tenants,
};

/// A tenant of two keys and an issuer of two.
struct Stand {
    folder: TempDir,
    keys: Keys,
    taken_away: Arc<Notify>,
    source: Arc<KeySource>,
}

const BOTH: [&str; 2] = ["a", "b"];

fn put(folder: &Path, ids: &[&str], more: &str) {
    let key = |id: &&str| {
        let digest = crate::authn::key_digest(id.as_bytes());
        format!("- {{id: {id}, sha256: {digest}{more}}}\n")
    };
    let text: String = ids.iter().map(key).collect();
    fs::write(folder.join("keys.yaml"), text).unwrap();
    let key = |id: &&str| {
        let x = id.repeat(42) + "A";
        format!("{{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"kid\": \"{id}\", \"x\": \"{x}\"}}")
    };
    let all: Vec<String> = ids.iter().map(key).collect();
    let text = format!("{{\"keys\": [{}]}}", all.join(", "));
    fs::write(folder.join("jwks.json"), text).unwrap();
}

impl Stand {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &BOTH, "");
        let file = folder.path().join("geowarden.yaml");
        let text = "server: {grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}\nauthn: {api_keys: {file: keys.yaml}, jwt: [{issuer: 'https://i.example', audiences: any, algorithms: [EdDSA], jwks_file: jwks.json}]}\n";
        fs::write(&file, text).unwrap();
        let config = Config::load(Some(&file), &Environment::default()).unwrap();
        let (mut sourced, problems) = tenants::key_sources_of_files(&config);
        assert!(problems.0.is_empty(), "{problems}");
        let sourced = sourced.remove(0);
        let one = tenants::one(&sourced.part, &sourced.files, &sourced.sources).unwrap();
        let taken_away = Arc::new(Notify::new());
        let source = Arc::clone(sourced.sources.first().unwrap());
        let part = Arc::new(sourced.part);
        let told = Arc::clone(&taken_away);
        let keys = Keys::new(part, sourced.sources, one.keys, one.ring, told);
        Self {
            folder,
            keys,
            taken_away,
            source,
        }
    }

    fn put(&self, ids: &[&str], more: &str) {
        put(self.folder.path(), ids, more);
    }

    fn look(&self) {
        self.keys.look(false);
    }

    fn read(&self) -> (Files, FileStates, Instant) {
        let begun = Instant::now();
        let roots = build::roots(&self.keys.part.config);
        let files = Files::read(&roots, Fresh::Read).unwrap();
        let seen = files.file_states();
        (files, seen, begun)
    }

    fn take(&self, (files, seen, begun): &(Files, FileStates, Instant)) {
        let one = tenants::one(&self.keys.part, files, &self.keys.sources).unwrap();
        let reading = Reading {
            files,
            seen,
            begun: *begun,
        };
        let sets = self.keys.sets_of(files);
        self.keys.put((one.keys, one.ring), sets, &reading, || {});
    }

    fn fail(&self, (files, seen, begun): &(Files, FileStates, Instant)) {
        self.keys.take_changed_of_failed(&Reading {
            files,
            seen,
            begun: *begun,
        });
    }

    /// API keys with their colours, and the issuer's.
    fn in_force(&self) -> (Vec<String>, Vec<String>) {
        let stored = self.keys.stored();
        let told = |key: &StoredKey| {
            let colour = key.entry.attributes.get("colour").cloned();
            let colour = colour.unwrap_or_default();
            format!("{}{}", key.entry.id, colour.as_str().unwrap_or_default())
        };
        (
            stored.iter().map(told).collect(),
            self.source.status().key_ids,
        )
    }

    fn is(&self, keys: &[&str], ids: &[&str], is_cut: bool) {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(self.in_force(), (owned(keys), owned(ids)));
        assert_eq!(self.keys.is_cut(), is_cut);
    }
}

#[tokio::test]
async fn what_is_taken_away_during_a_load_does_not_come_back_with_it() {
    let stand = Stand::new();
    stand.look();
    stand.is(&BOTH, &BOTH, false);
    let reading = stand.read();
    stand.put(&["b"], "");
    stand.look();
    stand.is(&["b"], &["b"], true);
    stand.taken_away.notified().await;
    stand.take(&reading);
    // The next reload has to find what this one lacks.
    stand.is(&["b"], &["b"], true);
    stand.take(&stand.read());
    stand.is(&["b"], &["b"], false);
}

#[test]
fn what_comes_after_the_last_look_is_no_revocation() {
    let stand = Stand::new();
    stand.put(&["b"], "");
    stand.look();
    stand.is(&["b"], &["b"], true);
    stand.put(&BOTH, "");
    stand.take(&stand.read());
    stand.is(&BOTH, &BOTH, false);
    stand.look();
    stand.is(&BOTH, &BOTH, false);
}

#[test]
fn changed_attributes_come_with_their_generation_or_after_a_while() {
    let red = ", attributes: {colour: red}";
    let stand = Stand::new();
    stand.look();
    let before = stand.read();
    stand.put(&BOTH, red);
    stand.look();
    let due = stand.keys.take_due(Instant::now()).unwrap();
    // A generation before fails, or comes: it says nothing of them.
    stand.fail(&before);
    stand.keys.take_changed_of_same(&before.1);
    stand.is(&BOTH, &BOTH, false);
    stand.take(&before);
    stand.is(&BOTH, &BOTH, true);
    // They wait for no second one.
    assert_eq!(stand.keys.take_due(Instant::now()), Some(due));
    assert_eq!(stand.keys.take_due(due), None);
    stand.is(&["ared", "bred"], &BOTH, true);
    // Their own generation fails.
    stand.put(&BOTH, "");
    stand.look();
    stand.is(&["ared", "bred"], &BOTH, true);
    stand.fail(&stand.read());
    stand.is(&BOTH, &BOTH, true);
    // Nothing else has changed.
    stand.put(&BOTH, red);
    stand.look();
    stand.keys.take_changed_of_same(&stand.read().1);
    stand.is(&["ared", "bred"], &BOTH, true);
}
