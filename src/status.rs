//! The HTTP status of a denial.

use std::{fmt, num::NonZeroU16};

/// An HTTP status from 300 to 599. It is never 0, and never a success, which a client would read as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DenialStatus(NonZeroU16);

impl DenialStatus {
    /// Bad Request (RFC 9110, section 15.5.1).
    pub const BAD_REQUEST: Self = Self::after_299(101);
    /// Unauthorized (RFC 9110, section 15.5.2): the request needs a credential, or another one.
    pub const UNAUTHORIZED: Self = Self::after_299(102);
    /// Forbidden (RFC 9110, section 15.5.4).
    pub const FORBIDDEN: Self = Self::after_299(104);
    /// Misdirected Request (RFC 9110, section 15.5.20).
    pub const MISDIRECTED_REQUEST: Self = Self::after_299(122);
    /// Service Unavailable (RFC 9110, section 15.6.4): the request could not be judged.
    pub const SERVICE_UNAVAILABLE: Self = Self::after_299(204);

    const fn after_299(offset: u16) -> Self {
        Self(NonZeroU16::MIN.saturating_add(298 + offset))
    }

    /// The status of this number; `None` if it is not from 300 to 599.
    pub fn new(number: u16) -> Option<Self> {
        let is_denial = (300..600).contains(&number);
        NonZeroU16::new(number).filter(|_| is_denial).map(Self)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// Whether the server is at fault, not the client.
    pub fn is_server_error(self) -> bool {
        self.get() >= 500
    }
}

impl fmt::Display for DenialStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq<u16> for DenialStatus {
    fn eq(&self, number: &u16) -> bool {
        self.get() == *number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_is_zero_or_a_success() {
        for number in [0, 1, 100, 200, 299, 600, u16::MAX] {
            assert_eq!(DenialStatus::new(number), None, "{number}");
        }
        for number in [300, 401, 599] {
            assert_eq!(
                DenialStatus::new(number).map(DenialStatus::get),
                Some(number)
            );
        }
        for (status, number) in [
            (DenialStatus::BAD_REQUEST, 400),
            (DenialStatus::UNAUTHORIZED, 401),
            (DenialStatus::FORBIDDEN, 403),
            (DenialStatus::MISDIRECTED_REQUEST, 421),
            (DenialStatus::SERVICE_UNAVAILABLE, 503),
        ] {
            assert_eq!(Some(status), DenialStatus::new(number));
        }
    }
}
