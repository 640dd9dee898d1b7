use std::future::poll_fn;

use futures_util::FutureExt;

use super::*;

fn limit(max: usize) -> Arc<ConnectionLimit> {
    ConnectionLimit::new("test", max, &Arc::default())
}

fn leaves(connection: &TrackedConnection) -> Option<Close> {
    connection.must_close().now_or_never()
}

/// One place of eight is for connections that are closing.
#[tokio::test]
async fn who_has_said_least_for_longest_makes_room() {
    let limit = limit(8);
    let mut connections = Vec::new();
    for _ in 0..7 {
        connections.push(Some(limit.admit().await));
    }
    let closing = |connections: &[Option<TrackedConnection>]| {
        let leaves = |connection: &Option<TrackedConnection>| connection.as_ref().and_then(leaves);
        connections.iter().map(leaves).collect::<Vec<_>>()
    };
    assert_eq!(closing(&connections), [None; 7]);
    for (index, asks) in [(0, true), (1, false), (2, false)] {
        let connection = connections[index].as_ref().unwrap();
        connection.speaks_http2();
        if asks {
            connection.sent_request();
        }
    }
    let mut newcomers = Vec::new();
    for (expected, close_mode) in [
        (3, Close::AtOnce),
        (4, Close::AtOnce),
        (5, Close::AtOnce),
        (6, Close::AtOnce),
        (1, Close::AtOnce),
        (2, Close::AtOnce),
        (0, Close::Gracefully),
    ] {
        let newcomer = limit.admit().now_or_never().unwrap();
        newcomer.sent_request();
        newcomers.push(newcomer);
        let mut wanted = [None; 7];
        wanted[expected] = Some(close_mode);
        assert_eq!(closing(&connections), wanted);
        connections[expected] = None;
    }
}

#[tokio::test]
async fn there_are_never_more_sockets_than_places() {
    let limit = limit(2);
    let first = limit.admit().await;
    let second = limit.admit().await;
    let mut third = Box::pin(limit.admit());
    let waits = poll_fn(|context| std::task::Poll::Ready(third.as_mut().poll(context))).await;
    assert!(waits.is_pending());
    assert_eq!(leaves(&first), Some(Close::AtOnce));
    drop(first);
    let third = third.await;
    drop((second, third));
    assert_eq!(limit.places.available_permits(), 2);
    assert_eq!(limit.closing.load(Ordering::Relaxed), 0);
    assert!(limit.open.lock().unwrap().connections.is_empty());
}

#[tokio::test]
async fn who_takes_no_answers_leaves_and_others_stay() {
    let limit = limit(16);
    let (greedy, other) = (Arc::new(limit.admit().await), Arc::new(limit.admit().await));
    let _one = other.answers();
    let held: Vec<_> = (0..MAX_ANSWERS + 1000).map(|_| greedy.answers()).collect();
    assert_eq!(leaves(&greedy), Some(Close::AtOnce));
    assert_eq!(leaves(&other), None);
    drop(held);
    assert_eq!(limit.answers.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn silence_is_measured_from_the_last_byte() {
    let limit = limit(16);
    let connection = limit.admit().await;
    connection.silence(Duration::from_millis(1)).await;
    connection.received_bytes();
    let long = connection.silence(Duration::from_mins(1)).now_or_never();
    assert!(long.is_none());
}
