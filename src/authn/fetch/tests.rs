#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Instant;

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::authn::key_server::KeyServer;

fn http() -> Fetcher {
    Fetcher::new(&FetchSettings::default()).unwrap()
}

fn impatient_http() -> Fetcher {
    let timeout = Duration::from_millis(300);
    Fetcher::new(&FetchSettings {
        timeout,
        ..FetchSettings::default()
    })
    .unwrap()
}

#[tokio::test]
async fn fetches_are_bounded() {
    let server = KeyServer::start(&json!({"keys": []})).await;
    let http = http();
    assert_eq!(
        http.get(&server.url("/moved")).await,
        Err(FetchError::Status(308))
    );
    assert_eq!(
        http.get(&server.url("/nowhere")).await,
        Err(FetchError::Status(404))
    );
    assert_eq!(
        http.get(&server.url("/endless")).await,
        Err(FetchError::TooLarge)
    );
    server.serve(200, " ".repeat(MAX_BYTES + 1));
    assert_eq!(
        http.get(&server.url("/realms/geo/keys")).await,
        Err(FetchError::TooLarge)
    );
    *server.state.delay.lock().unwrap() = Duration::from_mins(1);
    assert_eq!(
        impatient_http().get(&server.url("/realms/geo/keys")).await,
        Err(FetchError::Timeout)
    );
}

#[tokio::test]
async fn a_body_that_drips_runs_out_of_time() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            .await
            .unwrap();
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let start = Instant::now();
    assert_eq!(impatient_http().get(&url).await, Err(FetchError::Timeout));
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn plain_http_is_for_the_loopback() {
    let strict = http();
    let lax = Fetcher::new(&FetchSettings {
        allow_insecure_http: true,
        ..FetchSettings::default()
    })
    .unwrap();
    let check = |fetcher: &Fetcher, url: &str| fetcher.check(&url.parse().unwrap());
    for url in [
        "https://id.example",
        "http://localhost:1/",
        "http://127.0.0.2",
        "http://[::1]/",
    ] {
        assert_eq!(check(&strict, url), Ok(()), "{url}");
    }
    for url in [
        "http://id.example",
        "http://localhost.example",
        "http://10.0.0.1",
        "file:///etc/passwd",
    ] {
        assert_eq!(check(&strict, url), Err(FetchError::Insecure), "{url}");
    }
    assert_eq!(check(&lax, "http://id.example"), Ok(()));
    assert_eq!(check(&lax, "ftp://id.example"), Err(FetchError::Insecure));
    assert_eq!(
        check(&lax, "https://user@id.example"),
        Err(FetchError::Credentials)
    );
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let settings = FetchSettings {
            ca_pem: Some(pem.into()),
            ..FetchSettings::default()
        };
        assert!(Fetcher::new(&settings).is_err(), "{pem}");
    }
}
