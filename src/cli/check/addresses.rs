//! Addresses that another process has.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::{fs::FileTypeExt, net::UnixStream},
    path::Path,
    time::Duration,
};

use tokio::net::TcpSocket;

use super::listeners::{self, Process};
use crate::config::{Config, ListenAddress, Origin, Problem, Problems};

/// How long a geowarden that runs has to answer.
const LIMIT: Duration = Duration::from_secs(1);

/// What is said of taken addresses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// `serve` cannot listen there.
    pub(super) problems: Problems,
    /// `serve` cannot listen there unless what listens is the geowarden that it replaces.
    pub(super) warnings: Vec<String>,
}

/// The addresses on which `serve` could not listen because another process does. Each is judged alone. A geowarden that
/// runs with `file`, the configuration that is checked, is what `serve` would replace.
pub(super) fn taken(config: &Config, file: Option<&Path>) -> Taken {
    let server = &config.server;
    let admin = ListenAddress::Tcp(server.admin);
    let admin_grpc = server.admin_grpc.as_ref().map(|admin| &admin.address);
    let all = [
        ("server.grpc", Some(&server.grpc)),
        ("server.admin", Some(&admin)),
        ("server.admin_grpc.address", admin_grpc),
    ];
    let mut found = Taken::default();
    for (setting, address) in all {
        let Some(address) = address else { continue };
        let problem = |cause: &str| Problem {
            origin: Origin::File {
                file: "configuration".to_owned(),
                line: None,
            },
            path: setting.to_owned(),
            message: format!(
                "cannot listen on {address}: {cause}: end it, or choose another address"
            ),
        };
        let of_geowarden = |who: &str| {
            format!(
                "{setting}: {who} listens on {address}: good if this configuration is to replace it, otherwise choose another address"
            )
        };
        match holder(address) {
            Holder::Nobody => {}
            Holder::File => found
                .problems
                .0
                .push(problem("a file that is no socket stands there")),
            Holder::Process(one) if one.is_geowarden() => {
                if !one.runs_with(file) {
                    let who = format!(
                        "a geowarden with another configuration (process {})",
                        one.id
                    );
                    found.warnings.push(of_geowarden(&who));
                }
            }
            Holder::Process(one) => {
                let cause = format!(
                    "another process listens there ({}, process {})",
                    one.program, one.id
                );
                found.problems.0.push(problem(&cause));
            }
            Holder::Unknown if setting == "server.admin" && is_geowarden(server.admin) => {}
            Holder::Unknown => {
                let who = "a process of another user, perhaps a geowarden,";
                found.warnings.push(of_geowarden(who));
            }
        }
    }
    found
}

/// Who has an address.
enum Holder {
    Nobody,
    /// A file that is no socket.
    File,
    Process(Process),
    /// Somebody, and the system does not say who.
    Unknown,
}

fn holder(address: &ListenAddress) -> Holder {
    let is_taken = match address {
        ListenAddress::Tcp(address) => is_bound(*address),
        ListenAddress::Unix(path) => {
            if is_other_file(path) {
                return Holder::File;
            }
            UnixStream::connect(path).is_ok()
        }
    };
    if !is_taken {
        return Holder::Nobody;
    }
    listeners::process(address).map_or(Holder::Unknown, Holder::Process)
}

/// Whether somebody listens there. Nothing listens while this is found out.
fn is_bound(address: SocketAddr) -> bool {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    };
    let bound = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address)
    });
    bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

fn is_other_file(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|meta| !meta.file_type().is_socket())
}

/// Whether a geowarden answers on its admin page.
fn is_geowarden(admin: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&admin, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = Vec::new();
        // Its first metric is enough.
        stream.take(64 * 1024).read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let is_ours = |answer: Vec<u8>| String::from_utf8_lossy(&answer).contains("geowarden_");
    ask().is_ok_and(is_ours)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{net::TcpListener, os::unix::net::UnixListener};

    use super::*;

    #[test]
    fn what_another_process_has_is_told() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("taken.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut config = Config::default();
        let free = "127.0.0.1:0".parse().unwrap();
        config.server.admin = free;
        for (grpc, says) in [
            (
                ListenAddress::Tcp(other.local_addr().unwrap()),
                "another process",
            ),
            (ListenAddress::Unix(socket), "another process"),
            (ListenAddress::Unix(file), "no socket"),
        ] {
            config.server.grpc = grpc;
            let told = taken(&config, None).problems.to_string();
            assert!(
                told.contains(says) && told.contains("server.grpc"),
                "{told}"
            );
        }
        for grpc in [
            ListenAddress::Tcp(free),
            ListenAddress::Unix(folder.path().join("new.sock")),
            ListenAddress::Unix("/nowhere/new.sock".into()),
        ] {
            config.server.grpc = grpc;
            assert_eq!(taken(&config, None), Taken::default());
        }
        drop(other);
    }

    /// A socket file that its process has left behind is replaced at start.
    #[test]
    fn what_is_left_behind_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("left.sock");
        drop(UnixListener::bind(&socket).unwrap());
        let mut config = Config::default();
        config.server.admin = "127.0.0.1:0".parse().unwrap();
        config.server.grpc = ListenAddress::Unix(socket);
        assert_eq!(taken(&config, None), Taken::default());
    }
}
