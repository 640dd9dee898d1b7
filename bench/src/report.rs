//! Prints figures as a table: medians, spread, ratios, and whether the aim is met.

use std::fmt::Write as _;

use crate::{
    measure::{Aim, Entry, Figure},
    spread::Spread,
};

/// How far the values of a ratio lie apart on a quiet machine, at most, as a part of their median.
const QUIET: f64 = 0.1;

impl Figure {
    /// The values that are compared with the aim, one for each round.
    fn results(&self) -> Vec<f64> {
        let pairs = self.measured.iter().zip(&self.reference);
        match self.aim {
            Aim::AtMost(_) => self.measured.clone(),
            Aim::AtMostMore(_) => pairs
                .map(|(measured, reference)| measured - reference)
                .collect(),
            Aim::TimesLess(_) => pairs
                .map(|(measured, reference)| reference / measured)
                .collect(),
            Aim::AtMostTimes(_) | Aim::Told => pairs
                .map(|(measured, reference)| measured / reference)
                .collect(),
        }
    }

    fn row(&self) -> String {
        let figure = |values: &[f64], digits: usize, unit: &str| {
            Spread::of(values).map_or_else(String::new, |s| {
                format!(
                    "{:.digits$} ({:.digits$} to {:.digits$}){unit}",
                    s.median, s.least, s.greatest
                )
            })
        };
        let median = Spread::of(&self.results()).map(|s| s.median);
        let unit = format!(" {}", self.unit);
        let (aim, is_met) = match self.aim {
            Aim::AtMostTimes(aim) => (format!("at most {aim} times"), median.map(|m| m <= aim)),
            Aim::TimesLess(aim) => (format!("{aim} times less"), median.map(|m| m >= aim)),
            Aim::AtMost(aim) => (format!("at most {aim}{unit}"), median.map(|m| m <= aim)),
            Aim::AtMostMore(aim) => (
                format!("at most {aim}{unit} more"),
                median.map(|m| m <= aim),
            ),
            Aim::Told => (String::new(), None),
        };
        let result = match self.aim {
            Aim::AtMost(_) => String::new(),
            Aim::AtMostMore(_) => figure(&self.results(), 1, &unit),
            _ => figure(&self.results(), 2, ""),
        };
        let reference = if self.reference.is_empty() {
            String::new()
        } else {
            format!("{}: {}", self.against, figure(&self.reference, 1, &unit))
        };
        let met = match is_met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        format!(
            "| {} | {} | {reference} | {result} | {aim} | {met} |",
            self.measure,
            figure(&self.measured, 1, &unit)
        )
    }
}

/// A warning if the machine was noisy: the ratios whose values lie further apart from round to round than on a quiet machine.
pub fn noise(entries: &[Entry]) -> Option<String> {
    let figures = entries.iter().filter_map(|entry| match entry {
        Entry::Figure(figure) if !matches!(figure.aim, Aim::AtMost(_) | Aim::AtMostMore(_)) => {
            Some(figure)
        }
        _ => None,
    });
    let spreads = figures.filter_map(|figure| Some((figure, Spread::of(&figure.results())?)));
    let (all, noisy): (Vec<bool>, Vec<Option<&str>>) = spreads
        .map(|(figure, spread)| {
            let is_noisy = spread.greatest - spread.least > QUIET * spread.median;
            (true, is_noisy.then_some(figure.measure.as_str()))
        })
        .unzip();
    let noisy: Vec<&str> = noisy.into_iter().flatten().collect();
    (!noisy.is_empty()).then(|| {
        format!(
            "the machine was noisy: of {} ratios, {} differ by more than {:.0} % from round to round ({}): measure again on a quiet machine",
            all.len(),
            noisy.len(),
            QUIET * 100.0,
            noisy.join("; ")
        )
    })
}

/// All entries as a Markdown table.
pub fn table(entries: &[Entry]) -> String {
    let mut text = String::from(
        "| Measure | geowarden | Compared with | Ratio | Aim | Met |\n|---|---|---|---|---|---|\n",
    );
    for entry in entries {
        // Writing to a string cannot fail.
        let _ = match entry {
            Entry::Figure(figure) => writeln!(text, "{}", figure.row()),
            Entry::NotMeasured { measure, why } => {
                writeln!(text, "| {measure} | not measured: {why} | | | | |")
            }
            Entry::Failed { measure, error } => {
                // A cell of a table has only one line.
                let error: Vec<&str> = error.lines().map(str::trim).collect();
                writeln!(
                    text,
                    "| {measure} | failed: {} | | | | |",
                    error.join("; ").replace('|', "/")
                )
            }
            Entry::Bars(_) => Ok(()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(measure: &str, measured: &[f64], aim: Aim) -> Entry {
        Entry::Figure(Figure {
            measure: measure.to_owned(),
            unit: "µs".to_owned(),
            measured: measured.to_vec(),
            against: "always OK".to_owned(),
            reference: vec![10.0; measured.len()],
            aim,
        })
    }

    #[test]
    fn a_noisy_machine_is_told_with_its_measures() {
        let quiet = figure("quiet", &[10.0, 10.4, 10.9], Aim::Told);
        let noisy = figure("noisy", &[10.0, 10.4, 11.2], Aim::AtMostTimes(1.5));
        let of_time = figure("reload", &[10.0, 30.0], Aim::AtMost(40.0));
        assert_eq!(noise(&[quiet.clone(), of_time]), None);
        let told = noise(&[quiet, noisy]).unwrap();
        assert!(
            told.contains("of 2 ratios, 1 differ") && told.contains("(noisy)"),
            "{told}"
        );
    }
}
