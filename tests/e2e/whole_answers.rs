//! Answers arrive whole through the shipped Envoy configurations: for clients that read slowly and close, for downloads that
//! take longer than every time limit, and over connections that the upstream has just closed. The same holds for what a mesh
//! and a gateway make of `k8s/istio` and `k8s/envoy-gateway` (`mesh.rs`). `tests/it/envoy_files.rs` compares every other
//! bootstrap with these two.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Tools};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Notify,
    task::JoinSet,
};

use crate::{
    mesh,
    stage::{Files, Outcome, binary},
};

/// Allows everything: these tests are about answers.
const OPEN: &str = "package geowarden.authz\n\nallow := true\n";
/// The size of a large answer in bytes. Answers of about this size were cut off without the right settings.
const LARGE: usize = 4_000_000;

/// A stand-in for pygeoapi.
#[derive(Clone, Copy)]
enum Upstream {
    /// Answers with this number of bytes.
    Large(usize),
    /// Sends this number of single bytes, and waits this long between them.
    Trickle(usize, Duration),
    /// Closes a connection when the second request arrives on it, like a server whose keep-alive has just ended.
    ClosesAfterOne,
}

/// What happened at the stand-in.
#[derive(Default)]
struct Seen {
    /// The number of requests.
    requests: AtomicUsize,
    /// Envoy has closed a connection.
    closed: Notify,
}

impl Upstream {
    async fn start(self) -> Outcome<(u16, Arc<Seen>, JoinSet<()>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let seen = Arc::<Seen>::default();
        let mut tasks = JoinSet::new();
        let counted = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(self.serve(stream, Arc::clone(&counted)));
            }
        });
        Ok((port, seen, tasks))
    }

    async fn serve(self, mut stream: TcpStream, seen: Arc<Seen>) {
        let mut is_first = true;
        while let Some(is_head) = read_head(&mut stream).await {
            seen.requests.fetch_add(1, Ordering::SeqCst);
            let written = match self {
                Self::Large(length) => {
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    let answer = [head.as_bytes(), &vec![b'x'; length]].concat();
                    stream.write_all(&answer).await
                }
                Self::Trickle(count, pause) => trickle(&mut stream, count, pause).await,
                Self::ClosesAfterOne if is_first => {
                    let body = if is_head { "" } else { "ok" };
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).await
                }
                Self::ClosesAfterOne => return,
            };
            is_first = false;
            if written.is_err() {
                return;
            }
        }
        seen.closed.notify_one();
    }
}

async fn trickle(stream: &mut TcpStream, count: usize, pause: Duration) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {count}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    for _ in 0..count {
        tokio::time::sleep(pause).await;
        stream.write_all(b"x").await?;
    }
    Ok(())
}

/// Reads a request without a body. Returns whether it is a HEAD, or `None` if the client has closed the connection.
async fn read_head(stream: &mut TcpStream) -> Option<bool> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    Some(head.starts_with(b"HEAD"))
}

/// An Envoy between a client and a stand-in for pygeoapi.
struct Between {
    envoy: Envoy,
    files: Files,
    seen: Arc<Seen>,
    _geowarden: Geowarden,
    _upstream: JoinSet<()>,
}

impl Between {
    /// Starts with a bootstrap in which every limit of 60 s is this long.
    async fn start(bootstrap: &Value, upstream: Upstream, minute: &str) -> Outcome<Self> {
        let files = Files::new().await?;
        files.write("policies/authz.rego", OPEN)?;
        let config = files.configure("127.0.0.1:0", "", "")?;
        let geowarden = Geowarden::start(binary(), &config).await?;
        let (port, seen, tasks) = upstream.start().await?;
        let text = bootstrap.to_string().replace("60s", minute);
        let mut bootstrap: Value = serde_json::from_str(&text)?;
        let grpc_port = geowarden.grpc_port().ok_or("no port")?;
        connect(&mut bootstrap, port, grpc_port)?;
        files.write("envoy.yaml", &bootstrap.to_string())?;
        let config = EnvoyConfig::of(&files.path("envoy.yaml"));
        let envoy = Envoy::start(&Tools::find()?, &config).await?;
        Ok(Self {
            envoy,
            files,
            seen,
            _geowarden: geowarden,
            _upstream: tasks,
        })
    }

    /// Sends a request on a connection with a small receive buffer, so that the system cannot hold the answer for the client.
    async fn send(&self) -> Outcome<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(8192)?;
        let mut stream = socket.connect(self.envoy.address().parse()?).await?;
        let request = format!(
            "GET /collections/obs/items HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\nconnection: close\r\n\r\n",
            self.files.osgeo_key
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }
}

/// Sets the ports of the clusters. Envoy itself listens on ports that the system chooses.
fn connect(bootstrap: &mut Value, pygeoapi: u16, geowarden: u16) -> Outcome {
    let set = |part: &mut Value, pointer: &str, port: u16| {
        let found = part.pointer_mut(&format!("{pointer}/socket_address/port_value"));
        *found.ok_or_else(|| format!("nothing at {pointer}"))? = port.into();
        Outcome::Ok(())
    };
    set(bootstrap, "/admin/address", 0)?;
    set(bootstrap, "/static_resources/listeners/0/address", 0)?;
    let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
    for cluster in clusters.ok_or("no clusters")? {
        let port = match cluster["name"].as_str() {
            Some("pygeoapi") => pygeoapi,
            Some("geowarden") => geowarden,
            other => return Err(format!("no cluster {other:?}").into()),
        };
        let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
        set(cluster, endpoint, port)?;
    }
    Ok(())
}

/// Runs a check with a shipped bootstrap, and with what follows from the files for a mesh and a gateway.
async fn through_each(check: impl AsyncFn(&Value) -> Outcome) -> Outcome {
    let through = async |file: &str, bootstrap: Value| {
        let checked = check(&bootstrap).await;
        checked.map_err(|error| format!("{file}: {error}"))
    };
    tokio::try_join!(
        through("envoy/api-key.yaml", mesh::read("envoy/api-key.yaml")?),
        through("k8s/istio", mesh::istio()?),
        through("k8s/envoy-gateway", mesh::envoy_gateway()?),
    )?;
    Ok(())
}

/// Reads a body at about 400 kB/s, and returns its length.
async fn read_slowly(mut stream: TcpStream) -> Outcome<usize> {
    let mut answer = Vec::new();
    let mut buffer = vec![0; 40_000];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..length]);
        tokio::time::sleep(Duration::from_millis(u64::try_from(length)? / 400)).await;
    }
    body_length(&answer)
}

fn body_length(answer: &[u8]) -> Outcome<usize> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
    Ok(answer.len() - head.ok_or("an answer")? - 4)
}

#[tokio::test]
async fn a_slow_client_that_closes_gets_all_of_an_answer() -> Outcome {
    through_each(async |bootstrap| {
        let between = Between::start(bootstrap, Upstream::Large(LARGE), "60s").await?;
        let read = read_slowly(between.send().await?).await?;
        assert_eq!(read, LARGE, "{}", between.envoy.log());
        Ok(())
    })
    .await
}

/// Every limit of one minute is two seconds in this test.
#[tokio::test]
async fn a_download_that_goes_on_is_not_cut() -> Outcome {
    through_each(async |bootstrap| {
        let upstream = Upstream::Trickle(10, Duration::from_millis(600));
        let between = Between::start(bootstrap, upstream, "2s").await?;
        let mut answer = Vec::new();
        let mut stream = between.send().await?;
        stream.read_to_end(&mut answer).await?;
        assert_eq!(body_length(&answer)?, 10, "{}", between.envoy.log());
        Ok(())
    })
    .await
}

/// The time limit for the first byte is the same as for every other byte.
#[tokio::test]
async fn an_upstream_that_says_nothing_is_let_go() -> Outcome {
    through_each(async |bootstrap| {
        let upstream = Upstream::Trickle(1, Duration::from_secs(30));
        let between = Between::start(bootstrap, upstream, "1s").await?;
        let mut answer = Vec::new();
        let mut stream = between.send().await?;
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(15), read).await??;
        assert_eq!(body_length(&answer)?, 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_answer() -> Outcome {
    through_each(async |bootstrap| {
        let between = Between::start(bootstrap, Upstream::ClosesAfterOne, "60s").await?;
        let ask = async |method: &str| {
            let target = "/collections/obs/items/1";
            let ask = Ask::new(method, target).header("x-api-key", &between.files.osgeo_key);
            Ok::<u16, geowarden_stack::Error>(ask.send(&between.envoy.address()).await?.status())
        };
        for _ in 0..10 {
            assert_eq!(ask("GET").await?, 200, "{}", between.envoy.log());
            assert_eq!(ask("HEAD").await?, 200, "{}", between.envoy.log());
        }
        // A request that may change something is sent only once.
        let before = between.seen.requests.load(Ordering::SeqCst);
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(ask("DELETE").await?);
        }
        assert!(statuses.contains(&503), "{statuses:?}");
        assert_eq!(between.seen.requests.load(Ordering::SeqCst), before + 4);
        Ok(())
    })
    .await
}

/// A request that may change something is not sent twice. So Envoy must close an idle connection before gunicorn closes it.
/// `envoy_settings.rs` compares the times.
#[tokio::test]
async fn an_idle_connection_is_closed_by_envoy() -> Outcome {
    through_each(async |bootstrap| {
        let between = Between::start(bootstrap, Upstream::Large(10), "60s").await?;
        let answered = read_slowly(between.send().await?).await?;
        assert_eq!(answered, 10, "{}", between.envoy.log());
        let closed = between.seen.closed.notified();
        tokio::time::timeout(Duration::from_secs(30), closed).await?;
        Ok(())
    })
    .await
}

/// nginx and old scripts send HTTP/1.0. Envoy closes the connection, but later than the client needs to wait.
#[tokio::test]
async fn a_request_of_http_1_0_is_answered() -> Outcome {
    through_each(async |bootstrap| {
        let between = Between::start(bootstrap, Upstream::Large(10), "60s").await?;
        let with_key = |key: &str| format!(" HTTP/1.0\r\nhost: a\r\nx-api-key: {key}");
        let without_host = |key: &str| format!(" HTTP/1.0\r\nx-api-key: {key}");
        for (rest, status) in [
            (with_key(&between.files.osgeo_key), "200"),
            (with_key("guessed"), "401"),
            (without_host(&between.files.osgeo_key), "200"),
            (without_host("guessed"), "401"),
            // HTTP/0.9 has no headers, and so no credential. Without one, this list is open.
            (String::new(), "200"),
        ] {
            let mut stream = TcpStream::connect(between.envoy.address()).await?;
            let request = format!("GET /collections{rest}\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = vec![0; 4096];
            let length = stream.read(&mut answer).await?;
            let answer = String::from_utf8_lossy(&answer[..length]);
            assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
        }
        Ok(())
    })
    .await
}

/// Istio and Envoy Gateway allow WebSocket by themselves. geowarden would not see what is sent on such a connection.
#[tokio::test]
async fn no_connection_is_upgraded() -> Outcome {
    through_each(async |bootstrap| {
        let between = Between::start(bootstrap, Upstream::Large(10), "60s").await?;
        let ask = Ask::get("/collections")
            .header("x-api-key", &between.files.osgeo_key)
            .header("connection", "upgrade")
            .header("upgrade", "websocket");
        let answer = ask.send(&between.envoy.address()).await?;
        assert_eq!(answer.status(), 403, "{}", answer.text());
        assert_eq!(between.seen.requests.load(Ordering::SeqCst), 0);
        Ok(())
    })
    .await
}

/// The OGC APIs use headers for asynchronous jobs (OGC 18-062r2), coordinate reference systems (OGC 18-058r1) and ranges.
#[tokio::test]
async fn a_browser_may_send_and_read_the_headers_of_the_ogc_apis() -> Outcome {
    let bootstrap = mesh::read("envoy/jwt.yaml")?;
    let between = Between::start(&bootstrap, Upstream::ClosesAfterOne, "60s").await?;
    let preflight = Ask::new("OPTIONS", "/processes/hello-world/execution")
        .header("origin", "https://maps.example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "prefer,authorization");
    let answer = preflight.send(&between.envoy.address()).await?;
    let allowed = answer
        .header("access-control-allow-headers")
        .unwrap_or_default()
        .to_owned();
    for name in [
        "authorization",
        "content-type",
        "accept",
        "accept-language",
        "prefer",
        "content-crs",
        "accept-crs",
        "range",
        "if-none-match",
        "if-modified-since",
        "cache-control",
        "x-requested-with",
    ] {
        assert!(
            allowed.split(", ").any(|one| one == name),
            "{name}: {allowed}"
        );
    }
    let methods = answer
        .header("access-control-allow-methods")
        .unwrap_or_default();
    assert!(methods.contains("PATCH"), "{methods}");
    let read = Ask::get("/collections").header("origin", "https://maps.example.org");
    let answer = read.send(&between.envoy.address()).await?;
    let exposed = answer
        .header("access-control-expose-headers")
        .unwrap_or_default()
        .to_owned();
    for name in [
        "www-authenticate",
        "preference-applied",
        "content-crs",
        "content-range",
        "etag",
        "link",
        "location",
        "retry-after",
    ] {
        assert!(
            exposed.split(", ").any(|one| one == name),
            "{name}: {exposed}"
        );
    }
    Ok(())
}
