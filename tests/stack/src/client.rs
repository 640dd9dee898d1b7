//! An HTTP/1.1 client that sends a request exactly as given. It does not normalize paths, and can send a header twice. It only
//! adds `host`, `connection` and, for a body, `content-length`.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{Error, Result};

const LIMIT: Duration = Duration::from_secs(30);

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    /// A GET for a request target, which is sent unchanged.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A request with any method.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds a header; the same name may be added again.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds `Authorization: Bearer ..`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Adds a body and its `Content-Type`.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Sends it to an address (`127.0.0.1:PORT`) on a connection of its own.
    pub async fn send(&self, address: &str) -> Result<Answer> {
        let what = || format!("{} http://{address}{}", self.method, self.target);
        timeout(LIMIT, self.exchange(address))
            .await
            .map_err(|_| {
                Error::unexpected(
                    what(),
                    format!("no answer within {} seconds", LIMIT.as_secs()),
                )
            })?
            .map_err(Error::io(what()))?
            .ok_or_else(|| Error::unexpected(what(), "the answer is not HTTP/1.1"))
    }

    async fn exchange(&self, address: &str) -> std::io::Result<Option<Answer>> {
        let mut stream = TcpStream::connect(address).await?;
        // A server may refuse a request and close before it has read all of it. Its answer counts too.
        let sent = stream.write_all(&self.bytes(address)).await;
        let mut bytes = Vec::new();
        loop {
            // Do not wait for the end of the connection: Envoy waits until the client closes it.
            if let Some(answer) = Answer::read(&self.method, &bytes, false) {
                return Ok(Some(answer));
            }
            match stream.read_buf(&mut bytes).await {
                Ok(0) => return Ok(Answer::read(&self.method, &bytes, true)),
                Ok(_) => {}
                Err(error) => return sent.and(Err(error)),
            }
        }
    }

    fn bytes(&self, address: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut line = |name: &str, value: &str| {
            head.extend([name, ": ", value, "\r\n"]);
        };
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            line("host", address);
        }
        line("connection", "close");
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = &self.body {
            line("content-length", &body.len().to_string());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of that name. Upper and lower case do not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every header of that name. Upper and lower case do not matter.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::unexpected(format!("an answer with status {}", self.status), error)
        })
    }

    /// Reads the answer to a request with that method, or returns `None` while it is incomplete. A body without a length is
    /// complete at the `end` of the connection.
    fn read(method: &str, bytes: &[u8], end: bool) -> Option<Self> {
        let (head, body) = split_once(bytes, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status = lines
            .next()?
            .strip_prefix("HTTP/1.1 ")?
            .get(..3)?
            .parse()
            .ok()?;
        let headers = lines
            .map(|line| {
                line.split_once(':')
                    .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            })
            .collect::<Option<Vec<_>>>()?;
        let mut answer = Self {
            status,
            headers,
            body: Vec::new(),
        };
        answer.body = if method == "HEAD" || matches!(status, 204 | 304) {
            Vec::new()
        } else if answer
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            join_chunks(body)?
        } else if let Some(length) = answer.header("content-length") {
            body.get(..length.parse().ok()?)?.to_vec()
        } else if end {
            body.to_vec()
        } else {
            return None;
        };
        Some(answer)
    }
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (size, after) = split_once(rest, b"\r\n")?;
        let size = std::str::from_utf8(size).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

fn split_once<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_target_and_repeated_headers_are_sent_as_they_are() {
        let ask = Ask::get("/a/../%2F?x#y")
            .header("x-a", "1")
            .header("X-A", "2");
        let sent = String::from_utf8(ask.bytes("127.0.0.1:1")).unwrap();
        assert_eq!(
            sent,
            "GET /a/../%2F?x#y HTTP/1.1\r\nhost: 127.0.0.1:1\r\nconnection: close\r\nx-a: 1\r\nX-A: 2\r\n\r\n"
        );
    }

    #[test]
    fn chunks_are_joined() {
        let answer =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        let answer = Answer::read("GET", answer, false).unwrap();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "abcde"));
    }

    #[test]
    fn an_answer_is_whole_at_its_length_or_at_the_end() {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
        let long = format!("{head}abc");
        assert_eq!(
            Answer::read("GET", long.as_bytes(), false).unwrap().text(),
            "abc"
        );
        assert_eq!(
            Answer::read("HEAD", head.as_bytes(), false).unwrap().text(),
            ""
        );
        let open = b"HTTP/1.1 200 OK\r\n\r\nabc";
        assert!(Answer::read("GET", open, false).is_none());
        assert_eq!(Answer::read("GET", open, true).unwrap().text(), "abc");
    }

    #[test]
    fn a_cut_off_answer_is_no_answer() {
        for cut in [
            "HTTP/1.1 200 OK\r\ncontent-le",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc",
        ] {
            assert!(Answer::read("GET", cut.as_bytes(), true).is_none(), "{cut}");
        }
    }
}
