//! The messages to systemd (sd_notify(3)): start, reload, end, and the watchdog.

use std::{path::Path, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    net::UnixDatagram,
    process::{Child, Command},
    time::timeout,
};

use crate::service::folder;

/// The other end of `$NOTIFY_SOCKET`.
struct Manager(UnixDatagram);

impl Manager {
    fn serve(folder: &Path) -> (Self, Child) {
        let path = folder.join("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["serve", "--config"])
            .arg(folder.join("geowarden.yaml"))
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "400000")
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        (Self(socket), child)
    }

    async fn hears(&self) -> String {
        let mut message = [0; 4096];
        let received = timeout(Duration::from_mins(1), self.0.recv(&mut message)).await;
        let length = received.expect("nothing came in a minute").unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    /// The next message, without those of the watchdog.
    async fn hears_news(&self) -> String {
        loop {
            let message = self.hears().await;
            if message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn systemd_is_told_of_start_reload_and_end() {
    let folder = folder("package geowarden.authz\n\nallow := true\n", "");
    let config = folder.path().join("geowarden.yaml");
    let socket = format!("unix:{}", folder.path().join("admin.sock").display());
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(
        "server: {",
        &format!("server: {{admin_grpc: {{address: '{socket}'}}, "),
    );
    std::fs::write(&config, &text).unwrap();
    let (manager, mut child) = Manager::serve(folder.path());
    let started = manager.hears_news().await;
    assert!(started.starts_with("READY=1\n"), "{started}");
    assert_eq!(manager.hears().await, "WATCHDOG=1\n");

    signal(&child, Signal::HUP);
    let begins = manager.hears_news().await;
    let time = begins
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap_or_else(|| panic!("{begins}"));
    assert!(time.trim().parse::<u64>().unwrap() > 0, "{begins}");
    let ends = manager.hears_news().await;
    assert_eq!(ends, "READY=1\nSTATUS=requests are judged\n");

    // The configuration itself is only read at start.
    std::fs::write(
        &config,
        text.replace("server: {", "server: {deadline: 400ms, "),
    )
    .unwrap();
    signal(&child, Signal::HUP);
    assert!(manager.hears_news().await.starts_with("RELOADING=1\n"));
    let ends = manager.hears_news().await;
    assert!(ends.contains("needs a restart"), "{ends}");
    let asked = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["status", "--address", &socket])
        .output();
    let told = String::from_utf8(asked.await.unwrap().stdout).unwrap();
    assert!(
        told.contains("restart is needed for `server.deadline`"),
        "{told}"
    );

    std::fs::write(folder.path().join("policies/authz.rego"), "package").unwrap();
    signal(&child, Signal::HUP);
    assert!(manager.hears_news().await.starts_with("RELOADING=1\n"));
    let ends = manager.hears_news().await;
    assert!(ends.contains("the last good files"), "{ends}");

    signal(&child, Signal::TERM);
    assert_eq!(manager.hears_news().await, "STOPPING=1\n");
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_service_that_cannot_start_is_not_ready() {
    let folder = folder("package", "");
    let (manager, mut child) = Manager::serve(folder.path());
    assert_eq!(child.wait().await.unwrap().code(), Some(64));
    let nothing = manager.0.try_recv(&mut [0; 16]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
}
