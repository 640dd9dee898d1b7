//! Files that are replaced while geowarden reads them: the rules in force are always those of one generation.
//!
//! Every random generation refuses `/collections/secret`, but most mixtures of two allow it. So one answer of 200
//! reveals a mixture.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;

use crate::service::{OSGEO_KEY, Service, config};

/// Random numbers of a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// The files of a policy that belong together.
const PARTS: usize = 6;

/// One random generation: names and texts, below the mounted folder.
///
/// Each file contains its generation. A request for `secret` is allowed if any two of them differ.
fn generation(random: &mut Random, number: u64) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut rego = format!(
        "package geowarden.authz\n\nallow if input.ogc.collection == \"g{number}\"\n\nallow if input.ogc.collection == \"open\"\n\n"
    );
    for part in 0..PARTS {
        // Random lengths, so that reading takes a while and sizes reveal nothing.
        let padding = "#".repeat(usize::try_from(random.below(20_000)).unwrap());
        files.push((
            format!("part{part}/data.yaml"),
            format!("generation: {number}\n{padding}\n"),
        ));
        let _ = write!(
            rego,
            "allow if {{\n\tinput.ogc.collection == \"secret\"\n\tdata.part{part}.generation != {number}\n}}\n\n"
        );
    }
    // The key's attribute belongs to the generation too.
    let _ = write!(
        rego,
        "allow if {{\n\tinput.ogc.collection == \"secret\"\n\tinput.identity.attributes.generation != {number}\n}}\n"
    );
    files.push(("authz.rego".to_owned(), rego));
    let digest = geowarden::authn::key_digest(OSGEO_KEY.as_bytes());
    files.push((
        "keys/osgeo.yaml".to_owned(),
        format!("sha256: {digest}\nattributes: {{generation: {number}}}\n"),
    ));
    files
}

fn write(folder: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// Replaces the mounted files by a generation, like the kubelet, and removes the previous one.
fn flip(mount: &Path, files: &[(String, String)], number: u64) {
    let before = fs::read_link(mount.join("..data")).ok();
    let name = format!("..generation{number}");
    write(&mount.join(&name), files);
    symlink(&name, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    for inner in fs::read_dir(mount.join(&name)).unwrap() {
        let inner = inner.unwrap().file_name();
        let link = mount.join(&inner);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(inner), link).unwrap();
        }
    }
    if let Some(before) = before {
        fs::remove_dir_all(mount.join(before)).unwrap();
    }
}

/// Replaces a folder by another one with the same name, in two renames.
fn swap(place: &Path, files: &[(String, String)]) {
    let aside = place.with_extension("new");
    write(&aside, files);
    let old = place.with_extension("old");
    if place.exists() {
        fs::rename(place, &old).unwrap();
    }
    fs::rename(&aside, place).unwrap();
    let _ = fs::remove_dir_all(old);
}

struct Flipping {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    thread: JoinHandle<u64>,
}

impl Flipping {
    fn start(seed: u64, put: impl Fn(&[(String, String)], u64) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let (stops, counts) = (Arc::clone(&stop), Arc::clone(&count));
        let thread = thread::spawn(move || {
            let mut random = Random(seed);
            let mut number = 1;
            while !stops.load(Ordering::Relaxed) {
                number += 1;
                put(&generation(&mut random, number), number);
                counts.fetch_add(1, Ordering::Relaxed);
                // Mostly there is no pause. Sometimes it is long enough to load a generation.
                let pause = match random.below(10) {
                    0..6 => 0,
                    6..9 => 1 + random.below(20),
                    _ => 100 + random.below(200),
                };
                thread::park_timeout(Duration::from_millis(pause));
            }
            number
        });
        Self {
            stop,
            count,
            thread,
        }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

async fn status(service: &Service, collection: &str) -> i32 {
    let headers = [("x-api-key", OSGEO_KEY)];
    let path = format!("/collections/{collection}");
    service.ask("GET", &path, &headers).await.status()
}

/// Sends requests that every generation refuses while they are replaced. Sometimes it asks for a reload.
///
/// `between` is the status of a request while there is no key file, if a replacement has such a moment.
async fn nothing_is_let_in(service: &Service, flipping: Flipping, between: Option<i32>) {
    let mut asked = 0;
    while flipping.count.load(Ordering::Relaxed) < 150 {
        let open = status(service, "open").await;
        assert!(open == 200 || Some(open) == between, "{open}");
        let secret = status(service, "secret").await;
        assert!(
            secret == 403 || Some(secret) == between,
            "{secret}: a mixture of two generations is in force"
        );
        asked += 1;
        if asked % 20 == 0 {
            service.reload.send_modify(|count| *count += 1);
        }
    }
    let last = flipping.end();
    // When the files no longer change, the last generation is in force.
    let collection = format!("g{last}");
    let is_in_force = async {
        while status(service, &collection).await != 200 {
            assert_eq!(status(service, "secret").await, 403);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_in_force)
        .await
        .expect("the last generation never came in force");
}

async fn service(folder: TempDir, policies: &str, keys: &str) -> Service {
    let text = format!(
        "server: {{grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}}\nauthn: {{api_keys: {{dir: {keys}}}}}\npolicy: {{path: {policies}}}\n"
    );
    fs::write(folder.path().join("geowarden.yaml"), text).unwrap();
    let config = config(folder.path());
    Service::start(folder, config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_data_link_one_generation_of_keys_and_policies_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let mount: PathBuf = folder.path().join("mount");
    let mut random = Random(13);
    fs::create_dir(&mount).unwrap();
    flip(&mount, &generation(&mut random, 1), 1);
    let service = service(folder, "mount", "mount/keys").await;
    let flipping = Flipping::start(14, move |files, number| flip(&mount, files, number));
    nothing_is_let_in(&service, flipping, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_are_replaced_are_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place: PathBuf = folder.path().join("policies");
    let mut random = Random(23);
    swap(&place, &generation(&mut random, 1));
    let service = service(folder, "policies", "policies/keys").await;
    let flipping = Flipping::start(24, move |files, _| swap(&place, files));
    // Between the two renames no key is known.
    nothing_is_let_in(&service, flipping, Some(401)).await;
}
