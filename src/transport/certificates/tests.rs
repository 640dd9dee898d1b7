#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    path::PathBuf,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use rcgen::generate_simple_self_signed;
use tempfile::TempDir;

use super::*;

fn certificates() -> (TempDir, Arc<Certificates>) {
    let folder = tempfile::tempdir().unwrap();
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    std::fs::write(path("cert"), made.cert.pem()).unwrap();
    std::fs::write(path("key"), made.signing_key.serialize_pem()).unwrap();
    let settings = config::Tls {
        cert: path("cert"),
        key: path("key"),
        client_ca: None,
    };
    let loaded = Certificates::load("server.tls", &settings, Arc::default()).unwrap();
    (folder, Arc::new(loaded))
}

fn failed(certificates: &Certificates) -> bool {
    let text = certificates.metrics.text().unwrap();
    text.contains("geowarden_certificates_failed{section=\"server.tls\"} 1")
}

/// As where the mount of the files is stuck.
#[tokio::test]
async fn files_that_do_not_answer_hold_up_one_thread_and_no_connection() {
    let (_folder, certificates) = certificates();
    let (answer, answers) = mpsc::channel::<()>();
    let answers = Arc::new(Mutex::new(answers));
    let begun = Arc::new(AtomicUsize::new(0));
    let stuck = || {
        let (answers, begun) = (Arc::clone(&answers), Arc::clone(&begun));
        move |this: &Certificates| {
            begun.fetch_add(1, Ordering::SeqCst);
            let _ = answers.lock().unwrap().recv();
            Content::read(&this.settings)
        }
    };
    for _ in 0..1000 {
        certificates.after_a_look(stuck()).await;
    }
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    assert!(failed(&certificates));
    drop(answer);
    while failed(&certificates) {
        certificates.now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_begin_together_never_wait_for_each_other() {
    let (_folder, certificates) = certificates();
    let connections = (0..4).map(|_| {
        let certificates = Arc::clone(&certificates);
        tokio::spawn(async move {
            for _ in 0..500 {
                certificates.now().await;
            }
        })
    });
    for connection in connections.collect::<Vec<_>>() {
        connection.await.unwrap();
    }
    assert!(!failed(&certificates));
}

#[tokio::test]
async fn a_look_that_panics_leaves_the_last_good_ones_and_the_next_looks_again() {
    let (_folder, certificates) = certificates();
    let before = Arc::clone(&certificates.current().server);
    let faulty = |_: &Certificates| panic!("a fault of this test");
    let during = certificates.after_a_look(faulty).await;
    assert!(Arc::ptr_eq(&before, &during) && failed(&certificates));
    certificates.now().await;
    assert!(!failed(&certificates));
}
