//! A cheap HTTP/1.1 client: it sends one request after the other on one connection.

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

    /// Sends requests for this time, and returns the median latency in microseconds. Every answer must be 200.
    pub(super) async fn median_us(&mut self, time: Duration) -> Result<f64> {
        let begin = Instant::now();
        let latencies = self.latencies(|| begin.elapsed() < time, "200").await?;
        Ok(load::micros(latencies.value_at_quantile(0.5)))
    }

    /// Sends requests as long as the condition holds, and returns the latencies in nanoseconds. Every answer must have this
    /// status.
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

    /// Sends the request, reads the whole answer, and returns its status.
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

/// The status of an answer, or `None` until the head and the whole body have arrived (RFC 9112, section 6.3).
fn whole_answer(bytes: &[u8]) -> Option<String> {
    let head_end = bytes.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..head_end)?).ok()?;
    let header = |wanted: &str| {
        let mut all = head.lines().filter_map(|line| line.split_once(": "));
        all.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
    };
    let is_whole = match header("content-length") {
        Some(length) => bytes.len() >= head_end + 4 + length.parse::<usize>().ok()?,
        // A chunked answer ends so. No answer here has these bytes before its end.
        None => bytes.ends_with(b"\r\n0\r\n\r\n"),
    };
    is_whole.then(|| head.split(' ').nth(1).unwrap_or_default().to_owned())
}
