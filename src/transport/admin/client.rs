//! Connects commands to a running geowarden.

use std::{error::Error, fmt, fs, io, path::PathBuf, str::FromStr, time::Duration};

use thiserror::Error;
use tonic::{
    Response, Status, Streaming,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use super::v1::{
    ApiKeysRequest, ApiKeysResponse, StatusRequest, StatusResponse, TailRequest, TailResponse,
    admin_client::AdminClient,
};

/// The time limit for connecting, and for an immediate answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The address of another geowarden's admin service: `HOST:PORT`, or `unix:/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminAddress(String);

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_good = match text.strip_prefix("unix:") {
            Some(path) => path.starts_with('/'),
            None => text.rsplit_once(':').is_some_and(|(host, port)| {
                let host_only = |c: char| {
                    c.is_ascii_alphanumeric() || ['.', '-', '_', ':', '[', ']'].contains(&c)
                };
                !host.is_empty() && host.chars().all(host_only) && port.parse::<u16>().is_ok()
            }),
        };
        if is_good {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "expected HOST:PORT (such as `127.0.0.1:9193`) or `unix:/PATH`, found another text"
                    .to_owned(),
            )
        }
    }
}

impl AdminAddress {
    /// Whether it is a Unix socket.
    pub fn is_unix(&self) -> bool {
        self.0.starts_with("unix:")
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The TLS files of a client, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// The authorities of the server's certificate.
    pub ca: PathBuf,
    /// The client's own certificate chain and its private key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Why another geowarden did not answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// A certificate or key could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The certificates cannot be used.
    #[error("the certificates cannot be used: {0}")]
    Certificates(String),
    /// There was no connection, or it broke.
    #[error("{address}: {cause}")]
    Unreachable {
        /// The address.
        address: AdminAddress,
        /// The cause.
        cause: String,
    },
    /// The server rejected the call.
    #[error("{address}: {message}")]
    Refused {
        /// The address.
        address: AdminAddress,
        /// The server's message.
        message: String,
    },
}

/// A connection to the admin service of another geowarden.
pub struct Client {
    address: AdminAddress,
    service: AdminClient<Channel>,
}

impl Client {
    /// Connects, with TLS if certificates are given.
    pub async fn connect(
        address: AdminAddress,
        tls: Option<&ClientTls>,
    ) -> Result<Self, ClientError> {
        let uri = match tls {
            _ if address.is_unix() => address.to_string(),
            Some(_) => format!("https://{address}"),
            None => format!("http://{address}"),
        };
        let unreachable = |error: &(dyn Error + 'static)| ClientError::Unreachable {
            address: address.clone(),
            cause: innermost(error).to_string(),
        };
        let mut endpoint = Endpoint::from_shared(uri)
            .map_err(|e| unreachable(&e))?
            .connect_timeout(LIMIT);
        if let Some(tls) = tls {
            endpoint = endpoint
                .tls_config(certificates(tls)?)
                .map_err(|e| ClientError::Certificates(innermost(&e).to_string()))?;
        }
        let channel = match tokio::time::timeout(LIMIT, endpoint.connect()).await {
            Ok(connected) => connected.map_err(|e| unreachable(&e))?,
            Err(late) => return Err(unreachable(&late)),
        };
        let service = AdminClient::new(channel);
        Ok(Self { address, service })
    }

    /// Asks for its state.
    pub async fn status(&mut self) -> Result<StatusResponse, ClientError> {
        in_time(&self.address, self.service.status(StatusRequest {})).await
    }

    /// Asks for its API keys and their last use.
    pub async fn api_keys(&mut self) -> Result<ApiKeysResponse, ClientError> {
        in_time(&self.address, self.service.api_keys(ApiKeysRequest {})).await
    }

    /// Asks for its decisions from now on.
    pub async fn tail(mut self, wanted: TailRequest) -> Result<Tail, ClientError> {
        let answer = self.service.tail(wanted).await;
        Ok(Tail {
            events: answer
                .map_err(|status| refused(&self.address, &status))?
                .into_inner(),
            address: self.address,
        })
    }
}

/// The answer to a call, if it comes in time.
async fn in_time<T>(
    address: &AdminAddress,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(LIMIT, call).await {
        Ok(answer) => Ok(answer
            .map_err(|status| refused(address, &status))?
            .into_inner()),
        Err(late) => Err(ClientError::Unreachable {
            address: address.clone(),
            cause: late.to_string(),
        }),
    }
}

/// The decisions, while they are made.
pub struct Tail {
    address: AdminAddress,
    events: Streaming<TailResponse>,
}

impl Tail {
    /// The address.
    pub fn address(&self) -> &AdminAddress {
        &self.address
    }

    /// The next decision; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<TailResponse>, ClientError> {
        let next = self.events.message().await;
        next.map_err(|status| refused(&self.address, &status))
    }
}

fn certificates(tls: &ClientTls) -> Result<ClientTlsConfig, ClientError> {
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|source| ClientError::Unreadable {
            path: path.clone(),
            source,
        })
    };
    let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&tls.ca)?));
    Ok(match &tls.identity {
        Some((cert, key)) => config.identity(Identity::from_pem(read(cert)?, read(key)?)),
        None => config,
    })
}

/// A broken connection is reported as a status too, with its cause as the source.
fn refused(address: &AdminAddress, status: &Status) -> ClientError {
    let address = address.clone();
    match status.source() {
        Some(source) => ClientError::Unreachable {
            address,
            cause: innermost(source).to_string(),
        },
        None => ClientError::Refused {
            address,
            message: status.message().to_owned(),
        },
    }
}

/// The innermost cause: the outer ones only say "transport error".
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, innermost)
}
