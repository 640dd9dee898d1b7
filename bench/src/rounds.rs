//! Measures in rounds: each round measures every arm, and the next round does so in the opposite order. If the machine becomes
//! slower or faster during the run, this affects all arms alike.

use std::{rc::Rc, time::Duration};

use tonic::codegen::Bytes;

use crate::{
    Result,
    authorizer::Authorizer,
    load::{Expected, Generator, Load, Outcome, Until, per},
};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The number of rounds of each measure.
    pub rounds: usize,
    /// How long one arm is under load in one round.
    pub time: Duration,
    /// The number that "many collections" and "many rules" mean.
    pub collections: usize,
}

impl Effort {
    /// Enough for reliable figures.
    pub const FULL: Self = Self {
        rounds: 7,
        time: Duration::from_secs(1),
        collections: 10_000,
    };
    /// Enough to see that everything runs.
    pub const QUICK: Self = Self {
        rounds: 2,
        time: Duration::from_millis(100),
        collections: 200,
    };

    /// The same, with one round.
    pub(crate) fn of_one_round(self) -> Self {
        Self { rounds: 1, ..self }
    }
}

/// The requests of a load, and how many of them are in flight on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    pub(crate) requests: Rc<[Bytes]>,
    pub(crate) streams: usize,
}

/// One of the things that a measure compares.
#[derive(Debug)]
pub(crate) struct Arm<'a> {
    pub(crate) name: &'static str,
    pub(crate) server: &'a Authorizer,
    pub(crate) traffic: Traffic,
}

/// The result of one arm in one round.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    /// The CPU time of a request in microseconds.
    pub(crate) cpu_us: f64,
}

/// The samples of one arm, one for each round.
#[derive(Debug, Clone)]
pub(crate) struct Samples {
    pub(crate) name: &'static str,
    pub(crate) all: Vec<Sample>,
}

impl Samples {
    /// One figure for each round.
    pub(crate) fn each(&self, figure: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.all.iter().map(figure).collect()
    }
}

/// Loads every arm in each round. Every request must be allowed.
pub(crate) async fn run(effort: Effort, arms: &[Arm<'_>]) -> Result<Vec<Samples>> {
    let mut generators = Vec::new();
    for arm in arms {
        let generator = Generator::connect(&arm.server.address(), 1).await?;
        // Warm up: caches are filled and connections have large windows before the measure begins.
        generator
            .run(&load(arm, effort.time / 2))
            .await?
            .as_expected()?;
        generators.push(generator);
    }
    let mut samples: Vec<Samples> = arms
        .iter()
        .map(|arm| Samples {
            name: arm.name,
            all: Vec::new(),
        })
        .collect();
    for round in 0..effort.rounds {
        let mut turn: Vec<_> = arms.iter().zip(&generators).zip(&mut samples).collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for ((arm, generator), samples) in turn {
            samples.all.push(sample(arm, generator, effort.time).await?);
        }
    }
    Ok(samples)
}

async fn sample(arm: &Arm<'_>, generator: &Generator, time: Duration) -> Result<Sample> {
    let before = arm.server.cpu()?;
    let outcome = generator.run(&load(arm, time)).await?.as_expected()?;
    let cpu = arm.server.cpu()?.saturating_sub(before);
    Ok(Sample {
        cpu_us: cpu.as_secs_f64() * 1e6 / per(outcome.requests.max(1)),
        outcome,
    })
}

fn load(arm: &Arm<'_>, time: Duration) -> Load {
    Load {
        requests: Rc::clone(&arm.traffic.requests),
        streams: arm.traffic.streams,
        until: Until::Elapsed(time),
        expected: Expected::Allowed,
    }
}
