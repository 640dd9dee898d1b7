//! Prints figures as a table: medians, spread, ratios, and whether the aim is met.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    Error, Result,
    measure::{Aim, Entry, Figure},
    plot,
    spread::Spread,
};

/// The marks of the table's begin and end in `docs/performance.md`.
const BEGIN: &str = "<!-- written by `make bench` from here -->";
const END: &str = "<!-- to here -->";

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

/// Writes the table between the marks of `page`, and the plots as SVG into the folder `plots`.
pub fn write(page: &Path, plots: &Path, machine: &str, entries: &[Entry]) -> Result<()> {
    let shown = page.display().to_string();
    let text = fs::read_to_string(page).map_err(Error::io(format!("reading {shown}")))?;
    let (Some((before, _)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END))
    else {
        let wanted = format!("expected the lines `{BEGIN}` and `{END}`");
        return Err(Error::unexpected(shown, wanted));
    };
    fs::create_dir_all(plots).map_err(Error::io(format!("making {}", plots.display())))?;
    let mut figures = format!("{machine}\n\n{}", table(entries));
    for entry in entries {
        if let Entry::Bars(bars) = entry {
            let file = plots.join(format!("{}.svg", bars.name));
            fs::write(&file, plot::svg(bars))
                .map_err(Error::io(format!("writing {}", file.display())))?;
            let folder = plots.file_name().unwrap_or_default().to_string_lossy();
            let _ = write!(figures, "\n![{}]({folder}/{}.svg)\n", bars.title, bars.name);
        }
    }
    let whole = format!("{before}{BEGIN}\n\n{figures}\n{END}{after}");
    fs::write(page, whole).map_err(Error::io(format!("writing {shown}")))
}
