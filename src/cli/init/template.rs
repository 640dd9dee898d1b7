//! The text of a shipped bootstrap, in which addresses are replaced.

use std::net::{IpAddr, SocketAddr};

use super::super::CommandError;

/// An address as it stands in a bootstrap.
pub(super) fn address(host: &str, port: u16) -> String {
    format!("socket_address: {{address: {host}, port_value: {port}}}")
}

/// An address to listen on. `::` stands for all addresses of both kinds, as most programs mean it.
pub(super) fn listener(at: SocketAddr) -> String {
    match at.ip() {
        IpAddr::V4(ip) => address(&ip.to_string(), at.port()),
        IpAddr::V6(ip) => {
            let both = if ip.is_unspecified() {
                ", ipv4_compat: true"
            } else {
                ""
            };
            // Unquoted, the colons would be YAML's own.
            let host = format!("\"{ip}\"");
            let plain = address(&host, at.port());
            plain.replacen('}', &format!("{both}}}"), 1)
        }
    }
}

/// A bootstrap that is being adapted.
pub(super) struct Template(pub(super) String);

impl Template {
    /// Replaces all pairs at once, so that a replacement is never replaced again.
    pub(super) fn replace_all(&mut self, pairs: &[(&str, &str)]) -> Result<(), CommandError> {
        let mark = |number: usize| format!("\0{number}\0");
        for (number, (from, _)) in pairs.iter().enumerate() {
            self.replace(from, &mark(number))?;
        }
        for (number, (_, to)) in pairs.iter().enumerate() {
            self.replace(&mark(number), to)?;
        }
        Ok(())
    }

    /// Puts a text in the place of another one, which is there exactly once: otherwise Envoy would ask somebody else.
    pub(super) fn replace(&mut self, from: &str, to: &str) -> Result<(), CommandError> {
        match self.0.matches(from).count() {
            1 => {
                self.0 = self.0.replacen(from, to, 1);
                Ok(())
            }
            found => Err(CommandError::Failed(format!(
                "the bootstrap of Envoy in this program: expected `{from}` once, found it {found} times"
            ))),
        }
    }
}
