//! Thousands of clients that send nothing, or half a message. They do not affect memory, reloads or other clients.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::envoy::service::auth::v3::{
        AttributeContext,
        attribute_context::{HttpRequest, Request},
        authorization_client::AuthorizationClient,
    },
};
use geowarden::connections::open_files;
use geowarden_stack::Geowarden;
use h2::{SendStream, client::SendRequest};
use prost::bytes::Bytes;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet, time::timeout};
use tonic::{codegen::http, transport::Channel};

use crate::stage::{Files, Outcome, binary};

const MIB: u64 = 1 << 20;
/// A time limit that is long enough for a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client that sends Checks with an API key.
struct Asking(AuthorizationClient<Channel>, String);

impl Asking {
    async fn connect(geowarden: &Geowarden, key: &str) -> Outcome<Self> {
        let port = geowarden.grpc_port().ok_or("a port")?;
        let client = AuthorizationClient::connect(format!("http://127.0.0.1:{port}")).await?;
        Ok(Self(client, key.to_owned()))
    }

    /// The gRPC code in the answer. It is 0 if the request is allowed.
    async fn code(&mut self) -> Outcome<i32> {
        let http = HttpRequest {
            method: "GET".to_owned(),
            path: "/collections/obs/items".to_owned(),
            headers: [("x-api-key".to_owned(), self.1.clone())].into(),
            ..HttpRequest::default()
        };
        let check = CheckRequest {
            attributes: Some(AttributeContext {
                request: Some(Request {
                    http: Some(http),
                    ..Request::default()
                }),
                ..AttributeContext::default()
            }),
        };
        let answer = self.0.check(check).await?.into_inner();
        Ok(answer.status.ok_or("a status")?.code)
    }
}

/// A connection with incomplete messages: it sends 900,000 of the 1,000,000 bytes of each.
struct Halves {
    _client: SendRequest<Bytes>,
    _bodies: Vec<SendStream<Bytes>>,
    /// The tasks of the connection and of its pending answers.
    _tasks: JoinSet<()>,
}

impl Halves {
    async fn send(geowarden: &Geowarden, count: usize) -> Outcome<Self> {
        let port = geowarden.grpc_port().ok_or("a port")?;
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut client, connection) = h2::client::handshake(stream).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(connection.await) });
        let mut bodies = Vec::new();
        for _ in 0..count {
            let request =
                http::Request::post("http://geowarden/envoy.service.auth.v3.Authorization/Check")
                    .header("content-type", "application/grpc")
                    .body(())?;
            client = client.ready().await?;
            let (answer, mut body) = client.send_request(request, false)?;
            let mut data = vec![0];
            data.extend(1_000_000_u32.to_be_bytes());
            data.resize(900_000, 0);
            let mut data = Bytes::from(data);
            while !data.is_empty() {
                body.reserve_capacity(data.len());
                let capacity = std::future::poll_fn(|context| body.poll_capacity(context));
                // A stream that was reset has no capacity.
                let Some(Ok(capacity)) = capacity.await else {
                    break;
                };
                let now = data.split_to(capacity.min(data.len()));
                if body.send_data(now, false).is_err() {
                    break;
                }
            }
            tasks.spawn(async move { drop(answer.await) });
            bodies.push(body);
        }
        Ok(Self {
            _client: client,
            _bodies: bodies,
            _tasks: tasks,
        })
    }
}

fn resident(geowarden: &Geowarden) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", geowarden.id()))?;
    let figure = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    Ok(figure.ok_or("VmRSS")?.trim().parse::<u64>()? << 10)
}

/// A script that starts the program with a soft and a hard limit of open files.
fn limited(files: &Files, soft: u32, hard: u32) -> Outcome<PathBuf> {
    let program = files.path("limited.sh");
    let text = format!(
        "#!/bin/sh\nulimit -Sn {soft} && ulimit -Hn {hard} && exec {} \"$@\"\n",
        binary().display()
    );
    fs::write(&program, text)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// The preface of HTTP/2, with empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Opens silent connections: a third to the admin pages, the others to the gRPC port. Half of the latter send HTTP/2's preface.
async fn silent(geowarden: &Geowarden, count: usize) -> Outcome<Vec<TcpStream>> {
    let port = geowarden.grpc_port().ok_or("a port")?;
    let grpc = format!("127.0.0.1:{port}");
    let mut streams = Vec::new();
    for number in 0..count {
        let (address, said) = match number % 3 {
            0 => (geowarden.admin(), &b""[..]),
            1 => (grpc.as_str(), &b""[..]),
            _ => (grpc.as_str(), PREFACE),
        };
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(said).await?;
        streams.push(stream);
    }
    Ok(streams)
}

#[tokio::test]
async fn thousands_of_silent_and_half_sent_ones_change_nothing_for_others() -> Outcome {
    let files = Files::new().await?;
    let config = files.configure("127.0.0.1:0", "", "")?;
    open_files::raise_limit();
    // The hard limit is enough for the defaults. geowarden must raise the soft limit to it.
    let program = limited(&files, 256, 2048)?;
    let mut geowarden = Geowarden::start(&program, &config).await?;
    let mut before = Asking::connect(&geowarden, &files.osgeo_key).await?;
    for _ in 0..100 {
        assert_eq!(before.code().await?, 0);
    }
    let idle = resident(&geowarden)?;

    let silent = silent(&geowarden, 4096).await?;
    let mut most = 0;
    let mut halves = Vec::new();
    for _ in 0..64 {
        halves.push(Halves::send(&geowarden, 64).await?);
        assert_eq!(before.code().await?, 0);
        most = most.max(resident(&geowarden)?);
    }
    let grown = most.saturating_sub(idle) / MIB;
    assert!(grown <= 64, "{grown} MiB more than idle");
    let mut new = Asking::connect(&geowarden, &files.geobeyond_key).await?;
    assert_ne!(new.code().await?, 0, "of another collection");

    files.write("api-keys.yaml", "[]")?;
    let reloaded = "geowarden_reloads_total{result=\"success\"} 2";
    geowarden.wait_for_metric(reloaded).await?;
    assert_ne!(before.code().await?, 0, "its key was revoked");
    drop((silent, halves));
    let given_back = async {
        while resident(&geowarden)? > idle + 24 * MIB {
            before.code().await?;
        }
        Outcome::Ok(())
    };
    timeout(PATIENCE, given_back).await??;
    Ok(())
}

/// If clients open as many connections as possible, the reserved file descriptors are enough for reloads.
#[tokio::test]
async fn a_low_limit_of_open_files_is_not_used_up() -> Outcome {
    let files = Files::new().await?;
    let config = files.configure("127.0.0.1:0", "", "")?;
    open_files::raise_limit();
    let program = limited(&files, 512, 512)?;
    let mut geowarden = Geowarden::start(&program, &config).await?;
    let told = geowarden.log();
    assert!(told.contains("limit of open files"), "{told}");
    let mut before = Asking::connect(&geowarden, &files.osgeo_key).await?;
    assert_eq!(before.code().await?, 0);
    let silent = silent(&geowarden, 1200).await?;
    files.write("api-keys.yaml", "[]")?;
    let reloaded = "geowarden_reloads_total{result=\"success\"} 2";
    geowarden.wait_for_metric(reloaded).await?;
    assert_ne!(before.code().await?, 0, "its key was revoked");
    assert_ne!(Asking::connect(&geowarden, "none").await?.code().await?, 0);
    // Many closed connections make only one log line a second.
    let lines = geowarden.log().matches("to make room").count();
    assert!((1..=60).contains(&lines), "{lines}");
    assert!(!geowarden.log().contains("could not be accepted"));
    drop(silent);
    Ok(())
}
