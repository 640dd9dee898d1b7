//! One HTTP/1.1 request after the other on one connection, as cheaply as can be.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Error, Result, load, request::HttpAsk};

/// A connection to an Envoy, and the request that is sent on it.
pub(super) struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(address: &str, ask: &HttpAsk) -> Result<Self> {
        let failed = || format!("connecting to {address}");
        let stream = TcpStream::connect(address)
            .await
            .map_err(Error::io(failed()))?;
        stream.set_nodelay(true).map_err(Error::io(failed()))?;
        let mut request = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n",
            ask.method, ask.path, ask.host
        );
        for (name, value) in &ask.headers {
            // Writing to a string cannot fail.
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request.push_str("\r\n");
        Ok(Self {
            stream,
            request: request.into_bytes(),
            buffer: Vec::with_capacity(1 << 16),
        })
    }

    /// Asks for this long; every answer has to be 200. The median latency in microseconds.
    pub(super) async fn median_us(&mut self, time: Duration) -> Result<f64> {
        let begin = Instant::now();
        let latencies = self.latencies(|| begin.elapsed() < time, "200").await?;
        Ok(load::micros(latencies.value_at_quantile(0.5)))
    }

    /// Asks as long as it goes on; every answer has to have this status. The latencies in nanoseconds.
    pub(super) async fn latencies(
        &mut self,
        goes_on: impl Fn() -> bool,
        expected: &str,
    ) -> Result<Histogram<u64>> {
        let mut latencies = load::latencies()?;
        while goes_on() {
            let start = Instant::now();
            let status = self.ask().await.map_err(Error::io("asking Envoy"))?;
            if status != expected {
                return Err(Error::unexpected(
                    "an answer of Envoy",
                    format!("expected status {expected}, found {status}"),
                ));
            }
            let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            latencies.saturating_record(nanos);
        }
        Ok(latencies)
    }

    /// The status of the answer, once it is whole.
    pub(super) async fn ask(&mut self) -> std::io::Result<String> {
        self.stream.write_all(&self.request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = whole_answer(&self.buffer) {
                return Ok(status);
            }
        }
    }
}

/// The status, once the head and the whole body are there (RFC 9112, section 6.3).
fn whole_answer(bytes: &[u8]) -> Option<String> {
    let head_end = bytes.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..head_end)?).ok()?;
    let header = |wanted: &str| {
        let mut all = head.lines().filter_map(|line| line.split_once(": "));
        all.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
    };
    let is_whole = match header("content-length") {
        Some(length) => bytes.len() >= head_end + 4 + length.parse::<usize>().ok()?,
        // Chunked: no answer here has this in its midst.
        None => bytes.ends_with(b"\r\n0\r\n\r\n"),
    };
    is_whole.then(|| head.split(' ').nth(1).unwrap_or_default().to_owned())
}
