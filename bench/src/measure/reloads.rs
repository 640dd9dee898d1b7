//! Measures reloads during requests: no request waits for a reload.

use std::{cell::Cell, time::Duration};

use super::{Aim, Entry, Figure, Stand, cpu::IN_FLIGHT, one};
use crate::{
    Result,
    authorizer::{Authorizer, Place},
    load::{Expected, Generator, Load, Outcome, Until},
    policies::{self, Style},
    setup::{self, Choice, Decider, TARGET},
};

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let mut entries = large(stand).await?;
    entries.extend(storm(stand).await?);
    Ok(entries)
}

/// Measures how long a reload of many rules takes, and the latency of a single client during it.
async fn large(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let many = stand.effort.collections;
    let choice = Choice {
        decider: Decider::Collections(Style::Flat, many),
        ..Choice::default()
    };
    let server = stand.programs.geowarden(&choice, Place::Anywhere).await?;
    let generator = Generator::connect(&server.address(), 1).await?;
    let target = format!("/collections/{}/items", policies::collection(0));
    let load = |time| Load {
        requests: one(&setup::with_key(&target)),
        streams: 1,
        until: Until::Elapsed(time),
        expected: Expected::Allowed,
    };
    generator
        .run(&load(stand.effort.time))
        .await?
        .as_expected()?;
    let (mut took, mut quiet, mut disturbed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..stand.effort.rounds {
        let reload = server.reload().await?;
        took.push(reload.as_secs_f64() * 1e3);
        let time = reload.max(stand.effort.time);
        let outcome = generator.run(&load(time)).await?.as_expected()?;
        quiet.push(outcome.quantile_us(1.0) / 1e3);
        let (outcome, _) = during_reloads(&server, &generator, &load(time)).await?;
        disturbed.push(outcome.quantile_us(1.0) / 1e3);
    }
    Ok(vec![
        Entry::Figure(Figure {
            measure: format!("reload of {many} rules"),
            unit: "ms".to_owned(),
            measured: took,
            against: String::new(),
            reference: Vec::new(),
            aim: Aim::AtMost(500.0),
        }),
        Entry::Figure(Figure {
            measure: format!("longest wait of a request while {many} rules are reloaded"),
            unit: "ms".to_owned(),
            measured: disturbed,
            against: "without a reload".to_owned(),
            reference: quiet,
            aim: Aim::AtMostMore(1.0),
        }),
    ])
}

/// Reloads again and again under full load. Each answer must be the expected one.
async fn storm(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let choice = Choice::default();
    let server = stand.programs.geowarden(&choice, Place::Anywhere).await?;
    let generator = Generator::connect(&server.address(), 1).await?;
    let load = Load {
        requests: one(&setup::with_key(TARGET)),
        streams: IN_FLIGHT,
        until: Until::Elapsed(stand.effort.time),
        expected: Expected::Allowed,
    };
    generator.run(&load).await?.as_expected()?;
    let (mut quiet, mut disturbed, mut count) = (Vec::new(), Vec::new(), 0);
    for _ in 0..stand.effort.rounds {
        let outcome = generator.run(&load).await?.as_expected()?;
        quiet.push(outcome.quantile_us(0.99));
        let (outcome, reloads) = during_reloads(&server, &generator, &load).await?;
        disturbed.push(outcome.quantile_us(0.99));
        count += reloads;
    }
    Ok(vec![Entry::Figure(Figure {
        measure: format!("p99 at {IN_FLIGHT} in flight during {count} reloads, no answer wrong"),
        unit: "µs".to_owned(),
        measured: disturbed,
        against: "without reloads".to_owned(),
        reference: quiet,
        aim: Aim::Told,
    })])
}

/// Reloads again and again during the load. It waits for the end of the last reload, which must not affect the next
/// measure.
async fn during_reloads(
    server: &Authorizer,
    generator: &Generator,
    load: &Load,
) -> Result<(Outcome, u32)> {
    let is_over = Cell::new(false);
    let load = async {
        let outcome = generator.run(load).await;
        is_over.set(true);
        outcome
    };
    let reloads = async {
        let mut count = 0;
        while !is_over.get() {
            server.reload().await?;
            count += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(count)
    };
    let (outcome, count) = tokio::try_join!(load, reloads)?;
    Ok((outcome.as_expected()?, count))
}
