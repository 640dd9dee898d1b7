//! Prints the demo's output, in colour on a terminal.

use std::io::{IsTerminal, Stdout, Write, stdout};
use std::time::Instant;

use crate::{Error, Result};

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";

/// Standard output. Colours are only used on a terminal, and not if `NO_COLOR` is set (<https://no-color.org>).
#[derive(Debug)]
pub(crate) struct Screen {
    out: Stdout,
    colour: bool,
    begun: Instant,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let out = stdout();
        let colour = out.is_terminal() && !unwanted;
        Self {
            out,
            colour,
            begun: Instant::now(),
        }
    }

    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}")
            .and_then(|()| self.out.flush())
            .map_err(Error::io("writing"))
    }

    pub(crate) fn heading(&mut self, text: &str) -> Result<()> {
        let text = self.painted(BOLD, text);
        self.line(&format!("\n{text}"))
    }

    /// Prints what the demo does now. [`Self::done`] ends the line.
    pub(crate) fn begin(&mut self, what: &str) -> Result<()> {
        self.begun = Instant::now();
        write!(self.out, "  {what} .. ")
            .and_then(|()| self.out.flush())
            .map_err(Error::io("writing"))
    }

    /// Prints that it is done, and how long it took.
    pub(crate) fn done(&mut self) -> Result<()> {
        let seconds = self.begun.elapsed().as_secs_f32();
        let text = self.painted(GREEN, "ok");
        self.line(&format!("{text} ({seconds:.1} s)"))
    }

    /// Prints one answer of the tour: the request, the answer, its reason, and whether it was expected.
    pub(crate) fn answer(
        &mut self,
        curl: &str,
        status: u16,
        expected: u16,
        why: &str,
    ) -> Result<()> {
        let curl = self.painted(DIM, &format!("$ {curl}"));
        self.line(&format!("   {curl}"))?;
        let status = if status == expected {
            self.painted(GREEN, &format!("{status} as expected"))
        } else {
            self.painted(RED, &format!("{status} and not {expected}"))
        };
        self.line(&format!("   {status}: {why}"))
    }

    /// Prints an unexpected result other than the status.
    pub(crate) fn surprise(&mut self, text: &str) -> Result<()> {
        let text = self.painted(RED, text);
        self.line(&format!("   {text}"))
    }

    pub(crate) fn summary(&mut self, surprises: &[String]) -> Result<()> {
        if surprises.is_empty() {
            let text = self.painted(GREEN, "Every answer was as expected.");
            return self.line(&format!("\n{text}"));
        }
        self.heading("Not as expected")?;
        surprises
            .iter()
            .try_for_each(|surprise| self.surprise(surprise))
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
