//! Counts requests that h2 rejects. They never reach a service, and h2 does not report them. So this reads the
//! RST_STREAM frames that h2 writes.

use std::sync::Arc;

use tracing::warn;

use crate::{
    connections::TrackedConnection,
    telemetry::{log_throttle::LogThrottle, metrics::Dropped},
};

/// The head of a frame (RFC 9113, section 4.1).
const HEAD: usize = 9;
const RST_STREAM: u8 = 3;
const PROTOCOL_ERROR: u32 = 1;

/// Counts the streams that h2 resets because it cannot read their requests. It looks at the bytes for the client.
pub(super) struct StreamResets {
    tracked: Arc<TrackedConnection>,
    throttle: Arc<LogThrottle>,
    frames: Frames,
}

impl StreamResets {
    pub(super) fn of(tracked: &Arc<TrackedConnection>, throttle: &Arc<LogThrottle>) -> Self {
        Self {
            tracked: Arc::clone(tracked),
            throttle: Arc::clone(throttle),
            frames: Frames::default(),
        }
    }

    pub(super) fn written(&mut self, bytes: &[u8]) {
        for _ in 0..self.frames.refused(bytes) {
            let limit = self.tracked.limit();
            let listener = limit.listener();
            limit.metrics().dropped(listener, Dropped::Unreadable);
            if let Some(count) = self.throttle.due() {
                warn!(
                    listener,
                    count,
                    "requests were reset by HTTP/2 (PROTOCOL_ERROR), since their pseudo headers cannot be read; with Envoy's google_grpc over a Unix socket set the channel argument `grpc.default_authority`; `telemetry.level: debug` shows which header it is"
                );
            }
        }
    }
}

/// Parses a stream of frames that is cut at any place.
#[derive(Default)]
struct Frames {
    /// The start of a frame: its head, and the error code of an RST_STREAM.
    begun: Vec<u8>,
    /// The remaining bytes of a frame that is skipped.
    rest: usize,
}

impl Frames {
    /// How many streams these bytes reset with PROTOCOL_ERROR.
    fn refused(&mut self, mut bytes: &[u8]) -> usize {
        let mut refused = 0;
        while !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let wanted = if self.is_reset() { HEAD + 4 } else { HEAD };
            let missing = wanted.saturating_sub(self.begun.len());
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.begun.extend_from_slice(now);
            bytes = later;
            match *self.begun.as_slice() {
                [_, _, _, RST_STREAM, _, _, _, _, _, a, b, c, d] => {
                    refused += usize::from(u32::from_be_bytes([a, b, c, d]) == PROTOCOL_ERROR);
                    self.begun.clear();
                }
                [a, b, c, kind, _, _, _, _, _] if kind != RST_STREAM => {
                    let length = u32::from_be_bytes([0, a, b, c]);
                    self.rest = usize::try_from(length).unwrap_or(usize::MAX);
                    self.begun.clear();
                }
                _ => {}
            }
        }
        refused
    }

    fn is_reset(&self) -> bool {
        self.begun.get(3) == Some(&RST_STREAM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, 0, 0, 0, 0, 1]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn resets_are_found_however_the_bytes_are_cut() {
        let frames = [
            frame(4, &[]),
            frame(0, &[RST_STREAM; 300]),
            frame(RST_STREAM, &[0, 0, 0, 1]),
            frame(1, b"headers"),
            frame(RST_STREAM, &[0, 0, 0, 8]),
            frame(RST_STREAM, &[0, 0, 0, 1]),
            frame(0, &[1; 20]),
        ]
        .concat();
        for size in [1, 2, 3, 7, 12, 13, 64, frames.len()] {
            let mut seen = Frames::default();
            let refused: usize = frames.chunks(size).map(|part| seen.refused(part)).sum();
            assert_eq!(refused, 2, "{size}");
            assert_eq!(seen.rest + seen.begun.len(), 0, "{size}");
        }
    }
}
