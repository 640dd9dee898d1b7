//! The CPU time of a request with a policy over many collections, compared with the same policy over ten.

use std::rc::Rc;

use tonic::codegen::Bytes;

use super::{Aim, Bars, Entry, Figure, Stand, cpu::IN_FLIGHT};
use crate::{
    Result,
    authorizer::Place,
    policies::{self, Style},
    rounds::{self, Arm, Traffic},
    setup::{self, Choice, Decider},
};

const FEW: usize = 10;

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let many = stand.effort.collections;
    let mut entries = Vec::new();
    let mut bars = Vec::new();
    for style in Style::ALL {
        let measure = format!("CPU a request, {many} collections, {}", style.name());
        // If one style is too slow to be measured, the others are still measured.
        let [reference, measured] = match both(stand, style).await {
            Ok(cpu) => cpu,
            Err(error) => {
                let error = error.to_string();
                entries.push(Entry::Failed { measure, error });
                continue;
            }
        };
        bars.push((format!("{}, {FEW}", style.name()), reference.clone()));
        bars.push((format!("{}, {many}", style.name()), measured.clone()));
        entries.push(Entry::Figure(Figure {
            measure,
            unit: "µs".to_owned(),
            measured,
            against: format!("{FEW} collections"),
            reference,
            aim: Aim::AtMostTimes(1.2),
        }));
    }
    entries.push(Entry::Bars(Bars {
        name: "collections".to_owned(),
        title: format!("CPU a request, {FEW} and {many} collections"),
        unit: "µs".to_owned(),
        bars,
    }));
    Ok(entries)
}

/// The CPU time of a request in each round, for few and for many collections.
async fn both(stand: &Stand<'_>, style: Style) -> Result<[Vec<f64>; 2]> {
    let [few, many] = [FEW, stand.effort.collections];
    let choice = |count| Choice {
        decider: Decider::Collections(style, count),
        // Remembered verdicts would hide the cost of an evaluation.
        remembered_decisions: 0,
        ..Choice::default()
    };
    let servers = [
        stand
            .programs
            .geowarden(&choice(few), Place::Pinned)
            .await?,
        stand
            .programs
            .geowarden(&choice(many), Place::Pinned)
            .await?,
    ];
    let [of_few, of_many] = &servers;
    let arms = [
        Arm {
            name: "few",
            server: of_few,
            traffic: traffic(few),
        },
        Arm {
            name: "many",
            server: of_many,
            traffic: traffic(many),
        },
    ];
    let samples = rounds::run(stand.effort, &arms).await?;
    let mut cpu = samples.iter().map(|arm| arm.each(|sample| sample.cpu_us));
    Ok([
        cpu.next().unwrap_or_default(),
        cpu.next().unwrap_or_default(),
    ])
}

/// Requests for collections that the key may read, spread over all of them.
fn traffic(collections: usize) -> Traffic {
    let step = (collections / 100).max(1);
    let readable = (0..collections).step_by(2 * step);
    let requests: Vec<Bytes> = readable
        .map(|number| {
            let path = format!(
                "/collections/{}/items?limit=10&f=json",
                policies::collection(number)
            );
            setup::with_key(&path).encoded()
        })
        .collect();
    Traffic {
        requests: Rc::from(requests),
        streams: IN_FLIGHT,
    }
}
