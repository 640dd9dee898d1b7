//! The latency with one request in flight, compared with the always-OK server.

use super::{Aim, Bars, Entry, Figure, Stand, one};
use crate::{
    Result,
    authorizer::Place,
    rounds::{self, Arm, Traffic},
    setup::{self, Choice, TARGET},
};

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let floor = stand.programs.floor().await?;
    let geowarden = stand
        .programs
        .geowarden(&Choice::default(), Place::Pinned)
        .await?;
    let traffic = Traffic {
        requests: one(&setup::with_key(TARGET)),
        streams: 1,
    };
    let arms = [
        Arm {
            name: "always OK",
            server: &floor,
            traffic: traffic.clone(),
        },
        Arm {
            name: "API key",
            server: &geowarden,
            traffic,
        },
    ];
    let samples = rounds::run(stand.effort, &arms).await?;
    let [floor, measured] = samples.as_slice() else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    let mut bars = Vec::new();
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let [reference, measured] =
            [floor, measured].map(|arm| arm.each(|sample| sample.outcome.quantile_us(share)));
        bars.push((format!("always OK, {name}"), reference.clone()));
        bars.push((format!("API key, {name}"), measured.clone()));
        entries.push(Entry::Figure(Figure {
            measure: format!("latency at one in flight, {name}"),
            unit: "µs".to_owned(),
            measured,
            against: "always OK".to_owned(),
            reference,
            aim: Aim::AtMostTimes(1.25),
        }));
    }
    entries.push(Entry::Bars(Bars {
        name: "latency".to_owned(),
        title: "Latency at one in flight".to_owned(),
        unit: "µs".to_owned(),
        bars,
    }));
    Ok(entries)
}
