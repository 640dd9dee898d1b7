//! Which process listens at an address, as Linux tells it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use crate::config::ListenAddress;

/// The flag of a listening socket in `/proc/net/unix`.
const LISTENS: &str = "00010000";
/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// The process that listens at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: u32,
    /// The file name of its program.
    pub(super) program: String,
    /// The configuration that its command line names.
    config: Option<PathBuf>,
}

impl Process {
    pub(super) fn is_geowarden(&self) -> bool {
        self.program == env!("CARGO_PKG_NAME")
    }

    /// Whether it was started with this configuration file, or both have none.
    pub(super) fn runs_with(&self, config: Option<&Path>) -> bool {
        match (&self.config, config) {
            (Some(its), Some(checked)) => fs::canonicalize(its)
                .is_ok_and(|its| fs::canonicalize(checked).is_ok_and(|o| o == its)),
            (None, None) => true,
            _ => false,
        }
    }

    fn of(id: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(id.to_string());
        let program = fs::read_link(folder.join("exe")).ok()?;
        let program = program.file_name()?.to_string_lossy();
        // The kernel adds this to the name of a program that was replaced by a newer one.
        let program = program.strip_suffix(" (deleted)").unwrap_or(&program);
        let line = fs::read(folder.join("cmdline")).ok()?;
        let words: Vec<_> = line.split(|byte| *byte == 0).collect();
        let words: Vec<_> = words.into_iter().map(String::from_utf8_lossy).collect();
        let config = words.iter().enumerate().find_map(|(at, word)| {
            if ["-c", "--config", "--env-file"].contains(&&**word) {
                return words.get(at + 1).map(ToString::to_string);
            }
            let joined = ["--config=", "--env-file=", "-c"];
            let mut joined = joined.iter().filter_map(|name| word.strip_prefix(name));
            joined.next().map(ToOwned::to_owned)
        });
        let place = fs::read_link(folder.join("cwd")).unwrap_or_default();
        Some(Self {
            id,
            program: program.to_owned(),
            config: config.map(|config| place.join(config)),
        })
    }
}

/// The process that listens there. `None` if it cannot be known: it is of another user, or this is not Linux.
pub(super) fn process(address: &ListenAddress) -> Option<Process> {
    let sockets = match address {
        ListenAddress::Tcp(address) => tcp_sockets(*address),
        ListenAddress::Unix(path) => unix_sockets(path),
    };
    let wanted: Vec<PathBuf> = sockets
        .iter()
        .map(|inode| PathBuf::from(format!("socket:[{inode}]")))
        .collect();
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has_one = |id: &u32| {
        let open = fs::read_dir(format!("/proc/{id}/fd"));
        let mut open = open.into_iter().flatten().flatten();
        open.any(|file| fs::read_link(file.path()).is_ok_and(|to| wanted.contains(&to)))
    };
    if wanted.is_empty() {
        return None;
    }
    ids.find(has_one).and_then(Process::of)
}

/// The inodes of the sockets that listen at an address, or at all addresses with its port.
fn tcp_sockets(wanted: SocketAddr) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines() {
            let columns: Vec<&str> = line.split_whitespace().collect();
            if let [_, local, _, LISTEN, _, _, _, _, _, inode, ..] = columns.as_slice()
                && let Some(address) = address(local)
                && address.port() == wanted.port()
                && overlap(address.ip(), wanted.ip())
            {
                found.push((*inode).to_owned());
            }
        }
    }
    found
}

fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let (one, other) = (one.to_canonical(), other.to_canonical());
    one == other || one.is_unspecified() || other.is_unspecified()
}

/// Reads `0100007F:23E7`: the words of the address are in the machine's byte order, the port is not.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for at in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = <[u8; 4]>::try_from(bytes.as_slice()).map(|bytes| Ipv4Addr::from(bytes).into());
    let ip: IpAddr = match ip {
        Ok(ip) => ip,
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into(),
    };
    Some(SocketAddr::new(ip, port))
}

fn unix_sockets(wanted: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let lines = table.lines().map(|line| line.split_whitespace().collect());
    lines
        .filter_map(|columns: Vec<&str>| match columns.as_slice() {
            [_, _, _, LISTENS, _, _, inode, path] if Path::new(path) == wanted => {
                Some((*inode).to_owned())
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{net::TcpListener, os::unix::net::UnixListener};

    use super::*;

    #[test]
    fn the_process_that_listens_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let _unix = UnixListener::bind(&path).unwrap();
        let v4 = TcpListener::bind("127.0.0.1:0").unwrap();
        let v6 = TcpListener::bind("[::1]:0").unwrap();
        let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = everywhere.local_addr().unwrap().port();
        for address in [
            ListenAddress::Unix(path),
            ListenAddress::Tcp(v4.local_addr().unwrap()),
            ListenAddress::Tcp(v6.local_addr().unwrap()),
            ListenAddress::Tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)),
        ] {
            let found = process(&address).unwrap();
            assert_eq!(found.id, std::process::id(), "{address}");
        }
        let address = v4.local_addr().unwrap();
        drop(v4);
        assert_eq!(process(&ListenAddress::Tcp(address)), None);
    }
}
