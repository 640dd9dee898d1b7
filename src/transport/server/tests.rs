//! Who answers PINGs stays, and who does not is told before the connection ends.

use std::{future::pending, time::Duration};

use prost::bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

const GOAWAY: u8 = 7;
const PING: u8 = 6;

async fn served() -> (String, Arc<Metrics>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let metrics = Arc::<Metrics>::default();
    let limits = Limits {
        limit: ConnectionLimit::new("grpc", 16, &metrics),
        receiving: Receiving::new(Duration::from_secs(10), 32 << 20),
        longest_message: 1 << 20,
        pings: Pings {
            interval: Duration::from_millis(100),
            timeout: Duration::from_secs(2),
            grace: Duration::from_secs(1),
        },
    };
    let server = GrpcServer::new(Listener::Tcp(listener), None, limits, &metrics).unwrap();
    tokio::spawn(server.serve(Routes::default().prepare(), pending()));
    (address, metrics)
}

/// The kinds of the frames in these bytes.
fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        kinds.push(head[3]);
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        bytes = &rest[usize::try_from(length).unwrap()..];
    }
    kinds
}

#[tokio::test]
async fn who_answers_pings_stays_and_who_does_not_gets_goaway() {
    let (address, metrics) = served().await;
    let stream = TcpStream::connect(&address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);

    let mut silent = TcpStream::connect(&address).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    begin.extend(settings);
    silent.write_all(&begin).await.unwrap();
    let mut said = Vec::new();
    silent.read_to_end(&mut said).await.unwrap();
    let kinds = kinds(&said);
    assert!(kinds.contains(&PING), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&GOAWAY), "{kinds:?}");
    let text = metrics.text().unwrap();
    let silent = "geowarden_dropped_total{listener=\"grpc\",reason=\"silent\"} 1";
    assert!(text.contains(silent), "{text}");

    let request = http::Request::get("http://geowarden/").body(()).unwrap();
    let mut client = client.ready().await.unwrap();
    let (answer, _body) = client.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let _: &h2::client::SendRequest<Bytes> = &client;
}
