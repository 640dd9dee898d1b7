//! The measures, one file each.

mod collections;
mod cpu;
mod envoy;
mod fastgeoapi;
mod first_seen;
mod http;
mod latency;
mod memory;
mod opa_envoy;
mod reloads;
mod starting;
mod strangers;

use std::{path::PathBuf, rc::Rc};

use serde::{Deserialize, Serialize};
use tonic::codegen::Bytes;

use crate::{
    Result, authorizer::Programs, pin::Processors, request::HttpAsk, rounds::Effort, tokens::Issuer,
};

/// The aim of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// The measured figure is at most this many times the reference.
    AtMostTimes(f64),
    /// The reference is at least this many times the measured figure.
    TimesLess(f64),
    /// The measured figure is at most this.
    AtMost(f64),
    /// The measured figure exceeds the reference by at most this.
    AtMostMore(f64),
    /// No aim: only the ratio of both is shown.
    Told,
}

/// One row of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub measure: String,
    /// The unit of both figures.
    pub unit: String,
    /// The figures of geowarden, one for each round.
    pub measured: Vec<f64>,
    /// The name of the reference.
    pub against: String,
    /// The figures of the reference, one for each round; empty if the aim is a number.
    pub reference: Vec<f64>,
    /// The aim.
    pub aim: Aim,
}

/// The result of a measure.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Figures.
    Figure(Figure),
    /// A measure without figures, since something is missing.
    NotMeasured {
        /// The name of the measure.
        measure: String,
        /// Why it was not measured, and what to do.
        why: String,
    },
    /// A measure that failed. The others are still taken.
    Failed {
        /// The name of the measure that failed.
        measure: String,
        /// Why it failed.
        error: String,
    },
    /// Several figures of one kind, for a plot.
    Bars(Bars),
}

/// Bars of a plot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bars {
    /// The file's name, without extension.
    pub name: String,
    /// The title of the plot.
    pub title: String,
    /// The unit.
    pub unit: String,
    /// Name and figures of each bar.
    pub bars: Vec<(String, Vec<f64>)>,
}

/// The programs and settings of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The `geowarden` that is measured.
    pub geowarden: PathBuf,
    /// This program, which is also the floor.
    pub bench: PathBuf,
    /// How much is measured.
    pub effort: Effort,
    /// Whether peers are measured too: other programs for the same task.
    pub peers: bool,
    /// The names of the measures to take. All, if it is empty.
    pub only: Vec<String>,
}

/// The names of the measures, for `--only`.
pub const NAMES: [&str; 10] = [
    "cpu",
    "latency",
    "collections",
    "first-seen",
    "envoy",
    "strangers",
    "memory",
    "start",
    "reload",
    "peers",
];

impl Entry {
    /// Whether a measure failed although everything that it needs is installed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

struct Stand<'a> {
    programs: Programs<'a>,
    effort: Effort,
    issuer: Issuer,
}

impl Run {
    /// Takes all measures, one after the other.
    pub async fn measure(&self, say: impl Fn(&str)) -> Result<Vec<Entry>> {
        let processors = Processors::find()?;
        processors.as_generator()?;
        let stand = Stand {
            programs: Programs {
                geowarden: &self.geowarden,
                bench: &self.bench,
                processors: &processors,
            },
            effort: self.effort,
            issuer: Issuer::rs256()?,
        };
        let mut entries = Vec::new();
        for name in NAMES {
            let is_wanted = self.only.is_empty() || self.only.iter().any(|only| only == name);
            if !is_wanted || (name == "peers" && !self.peers) {
                continue;
            }
            say(name);
            let measured = stand.measure(name).await;
            entries.extend(measured.unwrap_or_else(|error| {
                vec![Entry::Failed {
                    measure: name.to_owned(),
                    error: error.to_string(),
                }]
            }));
        }
        Ok(entries)
    }
}

impl Stand<'_> {
    async fn measure(&self, name: &str) -> Result<Vec<Entry>> {
        match name {
            "cpu" => cpu::measure(self).await,
            "latency" => latency::measure(self).await,
            "collections" => collections::measure(self).await,
            "first-seen" => first_seen::measure(self).await,
            "envoy" => envoy::measure(self).await,
            "strangers" => strangers::measure(self).await,
            "memory" => memory::measure(self).await,
            "start" => starting::measure(self).await,
            "reload" => reloads::measure(self).await,
            _ => {
                let mut peers = opa_envoy::measure(self).await?;
                peers.extend(fastgeoapi::measure(self).await?);
                Ok(peers)
            }
        }
    }
}

fn one(ask: &HttpAsk) -> Rc<[Bytes]> {
    Rc::new([ask.encoded()])
}
