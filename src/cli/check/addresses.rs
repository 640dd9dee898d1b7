//! Addresses that another process has.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::{fs::FileTypeExt, net::UnixStream},
    path::Path,
    time::Duration,
};

use tokio::net::TcpSocket;

use crate::config::{Config, ListenAddress, Origin, Problem, Problems};

/// How long a geowarden that runs has to answer.
const LIMIT: Duration = Duration::from_secs(1);

/// A problem for each address on which `serve` could not listen because somebody else does. A geowarden that runs by this
/// configuration is nobody else.
pub(super) fn taken(config: &Config) -> Problems {
    let server = &config.server;
    let admin = ListenAddress::Tcp(server.admin);
    let admin_grpc = server.admin_grpc.as_ref().map(|admin| &admin.address);
    let all = [
        ("server.grpc", Some(&server.grpc)),
        ("server.admin", Some(&admin)),
        ("server.admin_grpc.address", admin_grpc),
    ];
    let taken = all.into_iter().filter_map(|(path, address)| {
        let cause = taken_by(address?)?;
        Some(Problem {
            origin: Origin::File {
                file: "configuration".to_owned(),
                line: None,
            },
            path: path.to_owned(),
            message: format!(
                "cannot listen on {}: {cause}: end it, or choose another address",
                address?
            ),
        })
    });
    let taken: Vec<Problem> = taken.collect();
    if taken.is_empty() || is_geowarden(server.admin) {
        return Problems::default();
    }
    Problems(taken)
}

fn taken_by(address: &ListenAddress) -> Option<&'static str> {
    let is_taken = match address {
        ListenAddress::Tcp(address) => is_bound(*address),
        ListenAddress::Unix(path) => {
            if is_other_file(path) {
                return Some("a file that is no socket stands there");
            }
            UnixStream::connect(path).is_ok()
        }
    };
    is_taken.then_some("another process listens there")
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
            let told = taken(&config).to_string();
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
            assert_eq!(taken(&config), Problems::default());
        }
        drop(other);
    }

    /// It is what `serve` would replace.
    #[test]
    fn a_geowarden_that_runs_is_nobody_else() {
        let admin = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.server.admin = admin.local_addr().unwrap();
        config.server.grpc = ListenAddress::Tcp("127.0.0.1:0".parse().unwrap());
        let answers = std::thread::spawn(move || {
            for metrics in ["other_total 1\n", "geowarden_decisions_total 1\n"] {
                let (mut stream, _) = admin.accept().unwrap();
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).unwrap();
                let answer = format!("HTTP/1.0 200 OK\r\n\r\n{metrics}");
                stream.write_all(answer.as_bytes()).unwrap();
            }
            admin
        });
        assert!(taken(&config).to_string().contains("server.admin"));
        assert_eq!(taken(&config), Problems::default());
        drop(answers.join().unwrap());
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
        assert_eq!(taken(&config), Problems::default());
    }
}
