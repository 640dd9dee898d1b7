//! The CPU time of a request with 32 requests in flight, compared with the always-OK server.

use super::{Aim, Bars, Entry, Figure, Stand, one};
use crate::{
    Result,
    authorizer::Place,
    rounds::{self, Arm, Traffic},
    setup::{self, Choice, TARGET},
};

pub(super) const IN_FLIGHT: usize = 32;

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let (programs, issuer) = (&stand.programs, Some(&stand.issuer));
    let logging = Choice {
        issuer,
        decisions: "all",
        ..Choice::default()
    };
    let silent = Choice {
        decisions: "none",
        ..logging
    };
    let forgetful = Choice {
        remembered_decisions: 0,
        ..silent
    };
    let floor = programs.floor().await?;
    let logging = programs.geowarden(&logging, Place::Pinned).await?;
    let silent = programs.geowarden(&silent, Place::Pinned).await?;
    let forgetful = programs.geowarden(&forgetful, Place::Pinned).await?;
    let key = Traffic {
        requests: one(&setup::with_key(TARGET)),
        streams: IN_FLIGHT,
    };
    let token = Traffic {
        requests: one(&setup::with_token(TARGET, &stand.issuer.token()?)),
        streams: IN_FLIGHT,
    };
    let arms = [
        Arm {
            name: "always OK",
            server: &floor,
            traffic: key.clone(),
        },
        Arm {
            name: "API key",
            server: &silent,
            traffic: key.clone(),
        },
        Arm {
            name: "JWT seen before",
            server: &silent,
            traffic: token.clone(),
        },
        Arm {
            name: "API key, each decision logged",
            server: &logging,
            traffic: key.clone(),
        },
        Arm {
            name: "JWT seen before, each decision logged",
            server: &logging,
            traffic: token.clone(),
        },
        Arm {
            name: "API key, each decision evaluated",
            server: &forgetful,
            traffic: key,
        },
        Arm {
            name: "JWT seen before, each decision evaluated",
            server: &forgetful,
            traffic: token,
        },
    ];
    let samples = rounds::run(stand.effort, &arms).await?;
    let cpu: Vec<_> = samples
        .iter()
        .map(|arm| (arm.name.to_owned(), arm.each(|sample| sample.cpu_us)))
        .collect();
    let Some(((_, floor), measured)) = cpu.split_first() else {
        return Ok(Vec::new());
    };
    let at_most = [1.5, 1.6, 1.5, 1.6]
        .map(Aim::AtMostTimes)
        .into_iter()
        .chain([Aim::Told; 2]);
    let figures = measured.iter().zip(at_most).map(|((name, values), aim)| {
        Entry::Figure(Figure {
            measure: format!("CPU a request, {name}, {IN_FLIGHT} in flight"),
            unit: "µs".to_owned(),
            measured: values.clone(),
            against: "always OK".to_owned(),
            reference: floor.clone(),
            aim,
        })
    });
    let mut entries: Vec<Entry> = figures.collect();
    entries.push(Entry::Bars(Bars {
        name: "cpu".to_owned(),
        title: "CPU a request".to_owned(),
        unit: "µs".to_owned(),
        bars: cpu,
    }));
    Ok(entries)
}
