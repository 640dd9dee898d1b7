//! The time from the start of the process until `/readyz` answers 200.

use super::{Aim, Entry, Figure, Stand};
use crate::{Result, authorizer::Place, setup::Choice};

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let mut measured = Vec::new();
    for _ in 0..2 * stand.effort.rounds {
        let choice = Choice::default();
        let server = stand.programs.geowarden(&choice, Place::Anywhere).await?;
        measured.push(server.started_in().as_secs_f64() * 1e3);
    }
    Ok(vec![Entry::Figure(Figure {
        measure: "start to ready, default policy".to_owned(),
        unit: "ms".to_owned(),
        measured,
        against: String::new(),
        reference: Vec::new(),
        aim: Aim::AtMost(50.0),
    })])
}
