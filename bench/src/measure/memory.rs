//! The resident memory after a load.

use super::{Aim, Entry, Figure, Stand, cpu::IN_FLIGHT, one};
use crate::{
    Result,
    authorizer::Place,
    policies::{self, Style},
    rounds::{self, Arm, Traffic},
    setup::{self, Choice, Decider, TARGET},
};

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let many = stand.effort.collections;
    let of_collection = format!("/collections/{}/items", policies::collection(0));
    let cases = [
        ("default policy".to_owned(), Decider::Default, TARGET, 15.0),
        (
            format!("{many} rules"),
            Decider::Collections(Style::Flat, many),
            of_collection.as_str(),
            60.0,
        ),
    ];
    let mut entries = Vec::new();
    for (name, decider, target, aim) in cases {
        let choice = Choice {
            decider,
            ..Choice::default()
        };
        let server = stand.programs.geowarden(&choice, Place::Pinned).await?;
        let arm = Arm {
            name: "geowarden",
            server: &server,
            traffic: Traffic {
                requests: one(&setup::with_key(target)),
                streams: IN_FLIGHT,
            },
        };
        rounds::run(stand.effort.of_one_round(), &[arm]).await?;
        entries.push(Entry::Figure(Figure {
            measure: format!("resident memory, {name}"),
            unit: "MiB".to_owned(),
            measured: vec![server.resident_mib()?],
            against: String::new(),
            reference: Vec::new(),
            aim: Aim::AtMost(aim),
        }));
    }
    Ok(entries)
}
