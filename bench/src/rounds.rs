//! Rounds in turn: each round measures every arm, and the next one in the opposite order, so that a machine that grows
//! slower or faster does so for all.

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
    /// Rounds of each measure.
    pub rounds: usize,
    /// How long one arm is under load in one round.
    pub time: Duration,
    /// What "many collections" and "many rules" are.
    pub collections: usize,
}

impl Effort {
    /// For figures.
    pub const FULL: Self = Self {
        rounds: 7,
        time: Duration::from_secs(1),
        collections: 10_000,
    };
    /// For seeing that everything runs.
    pub const QUICK: Self = Self {
        rounds: 2,
        time: Duration::from_millis(100),
        collections: 200,
    };

    /// One round of it.
    pub(crate) fn of_one_round(self) -> Self {
        Self { rounds: 1, ..self }
    }
}

/// Requests in flight on one connection, and which.
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

/// What one arm did in one round.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    /// On a processor, microseconds a request.
    pub(crate) cpu_us: f64,
}

/// The samples of one arm, a round each.
#[derive(Debug, Clone)]
pub(crate) struct Samples {
    pub(crate) name: &'static str,
    pub(crate) all: Vec<Sample>,
}

impl Samples {
    /// One figure of each round.
    pub(crate) fn each(&self, figure: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.all.iter().map(figure).collect()
    }
}

/// Loads every arm in each round. Every answer has to be an allowance.
pub(crate) async fn run(effort: Effort, arms: &[Arm<'_>]) -> Result<Vec<Samples>> {
    let mut generators = Vec::new();
    for arm in arms {
        let generator = Generator::connect(&arm.server.address(), 1).await?;
        // Caches fill and connections grow their windows before anything counts.
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
