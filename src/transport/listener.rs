//! Binds TCP and Unix sockets before anything is served.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};
use tokio_util::either::Either;

use crate::{config::ListenAddress, connections::Accept};

/// How many connections may wait to be accepted. The system has a limit of its own.
const BACKLOG: u32 = 1024;

/// An accepted connection.
pub type Socket = Either<TcpStream, UnixStream>;

/// A bound socket. The file of a Unix socket is removed when this is dropped.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix domain socket and its file.
    Unix(UnixListener, SocketFile),
}

/// Removes the file when dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // If removing it fails, the next process that binds the socket removes the file.
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Binds `address`. `mode` says who may connect to a Unix socket. A socket file without a listener is replaced. Any
    /// other file is an error.
    pub async fn bind(address: &ListenAddress, mode: u32) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            ListenAddress::Unix(path) => {
                remove_stale(path).await?;
                let socket = UnixSocket::new_stream()?;
                socket.bind(path)?;
                let file = SocketFile(path.clone());
                // Set the mode before listening, so that nobody can have connected yet.
                fs::set_permissions(path, Permissions::from_mode(mode))?;
                Ok(Self::Unix(socket.listen(BACKLOG)?, file))
            }
        }
    }

    /// The address, with the port that the system chose.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            Self::Unix(_, file) => Ok(ListenAddress::Unix(file.0.clone())),
        }
    }
}

impl Accept for Listener {
    type Socket = Socket;

    async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small. Waiting for a full packet would delay each of them.
                stream.set_nodelay(true)?;
                Ok(Either::Left(stream))
            }
            Self::Unix(listener, _) => Ok(Either::Right(listener.accept().await?.0)),
        }
    }
}

async fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(meta) if !meta.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "expected a socket or no file, found another file: remove it",
        )),
        Ok(_) => match UnixStream::connect(path).await {
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                "another process listens on this socket: stop it, or choose another path",
            )),
            Err(_) => fs::remove_file(path),
        },
    }
}
