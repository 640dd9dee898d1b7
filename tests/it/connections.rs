//! Clients that send nothing, or half a message, do not harm the others.

use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use futures_util::future::select_all;
use geowarden::{
    app::App,
    config::{AdminGrpc, Config, ConfigDuration},
    transport::admin::client::Client as Operator,
};
use h2::{SendStream, client::SendRequest};
use prost::{Message, bytes::Bytes};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tonic::codegen::http;

use crate::{
    service::{Answer, Service, config, folder, request, run},
    tls::{Authority, secured},
};

/// A time limit that is longer than every deadline of these tests, but short enough to wait for a failure.
const PATIENCE: Duration = Duration::from_secs(20);
const DEADLINE_EXCEEDED: &str = "4";
const RESOURCE_EXHAUSTED: &str = "8";

async fn service(set: impl FnOnce(&mut Config)) -> Service {
    let folder = folder(
        include_str!("../../policies/examples/company/authz.rego"),
        "",
    );
    let mut config = config(folder.path());
    set(&mut config);
    Service::start(folder, config).await
}

/// The bytes of a Check, as gRPC sends them.
fn message() -> Bytes {
    let check = request("GET", "/", &[]).encode_to_vec();
    let mut message = vec![0];
    message.extend(u32::try_from(check.len()).unwrap().to_be_bytes());
    message.extend(check);
    message.into()
}

/// The beginning of a message of 1,000,000 bytes.
fn begin(length: usize) -> Bytes {
    let mut begin = vec![0];
    begin.extend(1_000_000_u32.to_be_bytes());
    begin.resize(length, 0);
    begin.into()
}

/// An HTTP/2 client that can misbehave.
#[derive(Clone)]
struct Client(SendRequest<Bytes>);

struct Asked {
    answer: h2::client::ResponseFuture,
    body: SendStream<Bytes>,
}

impl Client {
    async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut settings = h2::client::Builder::new();
        // With this window h2 accepts thousands of small answers at once.
        settings.initial_connection_window_size(8 << 20);
        let (client, connection) = settings.handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(client)
    }

    /// Sends the headers of a Check.
    async fn begin(&self) -> Asked {
        let mut client = self.0.clone().ready().await.unwrap();
        let (answer, body) = client.send_request(check(), false).unwrap();
        Asked { answer, body }
    }

    async fn half(&self, length: usize) -> Asked {
        let mut asked = self.begin().await;
        asked.send(begin(length)).await;
        asked
    }

    /// A complete Check, cut into frames of one byte if `frames` is set.
    async fn whole(&self, frames: bool) -> String {
        let mut asked = self.begin().await;
        let message = message();
        if frames {
            for byte in message.chunks(1) {
                asked.send(Bytes::copy_from_slice(byte)).await;
            }
        } else {
            asked.send(message).await;
        }
        asked.body.send_data(Bytes::new(), true).unwrap();
        asked.status().await
    }
}

/// A client that reads no answers.
struct Deaf(SendRequest<Bytes>, JoinHandle<()>);

impl Deaf {
    async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut settings = h2::client::Builder::new();
        settings.initial_window_size(0);
        let (client, connection) = settings.handshake(stream).await.unwrap();
        Self(client, tokio::spawn(async { drop(connection.await) }))
    }

    /// Sends this many requests, unless the connection ends.
    async fn ask(&mut self, count: usize, waiting: &mut JoinSet<()>) {
        for _ in 0..count {
            let Ok(mut client) = self.0.clone().ready().await else {
                return;
            };
            let Ok((answer, mut body)) = client.send_request(check(), false) else {
                return;
            };
            if body.send_data(message(), true).is_err() {
                return;
            }
            waiting.spawn(async move {
                // Its headers arrive, but its body is never read.
                let Ok(answer) = answer.await else { return };
                let _kept = answer;
                std::future::pending::<()>().await;
            });
        }
    }
}

fn check() -> http::Request<()> {
    http::Request::post("http://geowarden/envoy.service.auth.v3.Authorization/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap()
}

impl Asked {
    /// Sends as much as the windows allow.
    async fn send(&mut self, mut data: Bytes) {
        while !data.is_empty() {
            self.body.reserve_capacity(data.len());
            let capacity = std::future::poll_fn(|context| self.body.poll_capacity(context));
            // After a reset there is no capacity any more.
            let Some(Ok(capacity)) = capacity.await else {
                return;
            };
            let now = data.split_to(capacity.min(data.len()));
            if self.body.send_data(now, false).is_err() {
                return;
            }
        }
    }

    /// The status that ends the call.
    async fn status(self) -> String {
        let answer = timeout(PATIENCE, self.answer).await.unwrap().unwrap();
        let status = |headers: &http::HeaderMap| {
            let status = headers.get("grpc-status")?.to_str().unwrap();
            Some(status.to_owned())
        };
        if let Some(status) = status(answer.headers()) {
            return status;
        }
        let mut body = answer.into_body();
        while let Some(data) = body.data().await {
            let _ = body.flow_control().release_capacity(data.unwrap().len());
        }
        status(&body.trailers().await.unwrap().unwrap()).unwrap()
    }
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut said = Vec::new();
    // A reset closes it if something was left unread.
    timeout(PATIENCE, stream.read_to_end(&mut said))
        .await
        .is_ok()
}

#[tokio::test]
async fn a_half_sent_message_ends_in_time_and_others_are_served() {
    let service =
        service(|config| config.server.receive_timeout = ConfigDuration::millis(300)).await;
    let client = Client::connect(&service.grpc).await;
    let halves = [
        client.begin().await,
        client.half(3).await,
        client.half(900_000).await,
    ];
    assert_eq!(client.whole(false).await, "0");
    assert_eq!(client.whole(true).await, "0");
    for half in halves {
        assert_eq!(half.status().await, DEADLINE_EXCEEDED);
    }
    assert_eq!(client.whole(false).await, "0");
    service
        .metric("geowarden_dropped_total{listener=\"grpc\",reason=\"late-message\"} 3")
        .await;
}

/// In this test, a connection may use 5.3 MiB.
#[tokio::test]
async fn of_too_many_half_sent_messages_the_oldest_are_dropped() {
    let service = service(|config| config.server.receive_memory_bytes = 8 << 20).await;
    let (greedy, other) = (
        Client::connect(&service.grpc).await,
        Client::connect(&service.grpc).await,
    );
    let mut of_other = other.half(500_000).await;
    let mut halves = Vec::new();
    for _ in 0..12 {
        halves.push(greedy.half(900_000).await);
        // Meanwhile small messages of this connection and of others are served.
        assert_eq!(greedy.whole(false).await, "0");
        assert_eq!(other.whole(true).await, "0");
        assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    }
    let last = halves.pop().unwrap();
    for half in halves.drain(..6) {
        assert_eq!(half.status().await, RESOURCE_EXHAUSTED);
    }
    // The others are still open, and may be completed.
    let check = request("GET", "/", &[("x-filler", &"x".repeat(300_000))]).encode_to_vec();
    let mut message = vec![0];
    message.extend(u32::try_from(check.len()).unwrap().to_be_bytes());
    message.extend(check);
    let mut slow = other.begin().await;
    slow.send(Bytes::from(message[..200_000].to_vec())).await;
    slow.send(Bytes::from(message[200_000..].to_vec())).await;
    slow.body.send_data(Bytes::new(), true).unwrap();
    assert_eq!(slow.status().await, "0");
    of_other.body.send_reset(h2::Reason::CANCEL);
    drop(last);
}

#[tokio::test]
async fn silent_connections_are_closed_on_every_port() {
    let folder = folder(
        include_str!("../../policies/examples/company/authz.rego"),
        "",
    );
    let mut config = config(folder.path());
    config.server.receive_timeout = ConfigDuration::millis(300);
    config.server.admin_grpc = Some(AdminGrpc {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: None,
    });
    let app = App::bind(config).await.unwrap();
    let operators = app.admin_grpc_address().unwrap().to_string();
    let service = Service::run(folder, app).await;
    for (address, said) in [
        (&service.grpc, ""),
        (&service.grpc, "PRI * HTTP/2.0\r\n"),
        (&service.grpc, "GET / HTTP/1.1\r\n"),
        (&operators, ""),
        (&operators, "PRI * "),
        (&service.admin, ""),
        (&service.admin, "GET /livez HTTP/1.1\r\nhost: a\r\n"),
        (&service.admin, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        assert!(is_closed(&mut stream).await, "{said}");
    }
    // One of those on the gRPC port speaks another protocol, so it is not silent.
    for listener in ["grpc", "admin_grpc"] {
        let closed =
            format!("geowarden_dropped_total{{listener=\"{listener}\",reason=\"silent\"}} 2");
        service.metric(&closed).await;
    }
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    // If there are more connections than places, silent ones are closed.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&operators).await.unwrap());
    }
    let address = operators.parse().unwrap();
    let mut operator = Operator::connect(address, None).await.unwrap();
    assert!(operator.status().await.unwrap().ready);
}

#[tokio::test]
async fn many_silent_connections_make_room_for_who_asks() {
    let service = service(|config| config.server.max_connections = 16).await;
    // This connection has sent a request before, so it stays.
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(&service.grpc).await.unwrap());
    }
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(Client::connect(&service.grpc).await);
    }
    let new = AuthorizationClient::connect(format!("http://{}", service.grpc));
    let answer = new.await.unwrap().check(request("GET", "/", &[])).await;
    assert_eq!(Answer(answer.unwrap().into_inner()).status(), 200);
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    for stream in &mut silent {
        assert!(is_closed(stream).await);
    }
    // The ports for operators have their own limit.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&service.admin).await.unwrap());
    }
    let page = reqwest::get(format!("http://{}/livez", service.admin)).await;
    assert_eq!(page.unwrap().status(), 200);
    assert!(is_closed(&mut silent[0]).await);
}

/// If all connections have sent requests, the one with the oldest request gets GOAWAY: no request is lost, and its
/// client may reconnect.
#[tokio::test]
async fn who_has_to_leave_may_end_what_it_has_begun() {
    let service = service(|config| config.server.max_connections = 16).await;
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    let stream = TcpStream::connect(&service.grpc).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let client = Client(client);
    assert_eq!(client.whole(false).await, "0");
    let mut begun = client.begin().await;
    let mut others = Vec::new();
    for _ in 0..14 {
        let other = Client::connect(&service.grpc).await;
        assert_eq!(other.whole(false).await, "0");
        others.push(other);
    }
    begun.send(message()).await;
    begun.body.send_data(Bytes::new(), true).unwrap();
    assert_eq!(begun.status().await, "0");
    drop(client);
    let ended = timeout(PATIENCE, connection).await.unwrap().unwrap();
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    service
        .metric("geowarden_dropped_total{listener=\"grpc\",reason=\"too-many-connections\"} 3")
        .await;
}

/// A connection opens as many streams as it may. HTTP/2's windows delay messages, but not headers.
#[tokio::test]
async fn a_burst_whose_headers_come_first_is_served_whole() {
    let service = service(|_| ()).await;
    let client = Client::connect(&service.grpc).await;
    assert_eq!(client.whole(false).await, "0");
    let mut asked = Vec::new();
    for _ in 0..4096 {
        asked.push(client.begin().await);
    }
    let mut answers = JoinSet::new();
    for mut asked in asked {
        asked.body.send_data(message(), true).unwrap();
        answers.spawn(asked.status());
    }
    while let Some(status) = answers.join_next().await {
        assert_eq!(status.unwrap(), "0");
    }
}

/// At most 8,192 answers may wait, over all connections.
#[tokio::test]
async fn who_takes_no_answers_is_closed_and_others_are_served() {
    let service = service(|_| ()).await;
    let mut waiting = JoinSet::new();
    let mut deaf = [
        Deaf::connect(&service.grpc).await,
        Deaf::connect(&service.grpc).await,
        Deaf::connect(&service.grpc).await,
    ];
    for client in &mut deaf {
        client.ask(4000, &mut waiting).await;
    }
    let closed = "geowarden_dropped_total{listener=\"grpc\",reason=\"unread-answers\"} 1";
    service.metric(closed).await;
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
    let ended = deaf.iter_mut().map(|client| &mut client.1);
    let (_, _, others) = timeout(PATIENCE, select_all(ended)).await.unwrap();
    assert_eq!(others.len(), 2);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_in_time() {
    let authority = Authority::new();
    let folder = secured(&authority);
    let mut config = config(folder.path());
    config.server.receive_timeout = ConfigDuration::millis(300);
    let (grpc, _admin, _reload, _stop, _running) = run(App::bind(config).await.unwrap());
    for said in [&b""[..], &[22, 3, 1, 2, 0]] {
        let mut stream = TcpStream::connect(&grpc).await.unwrap();
        stream.write_all(said).await.unwrap();
        assert!(is_closed(&mut stream).await);
    }
}
