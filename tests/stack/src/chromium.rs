//! A real Chromium that visits pages as a person does (`tests/tools/browser/visit.mjs`).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Plan;
use crate::{Error, Result, Tools};

const NAME: &str = "Chromium";
/// The time limit of a whole visit. Each step has its own limit too.
const LIMIT: Duration = Duration::from_mins(5);

/// The steps of a visit, in a browser that has no cookies yet.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    steps: Vec<Value>,
}

/// What the page showed at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The address of the page.
    pub address: String,
    /// The status of the page, or of the request of its script.
    pub status: Option<u16>,
    /// The page's title.
    pub title: String,
    /// The visible text of the page, or the body that a script got.
    pub text: String,
    /// The header `WWW-Authenticate` that a script got.
    pub challenge: String,
    /// The errors of the console since the step before.
    pub errors: Vec<String>,
}

impl Visit {
    /// Sends a header with every later request.
    #[must_use]
    pub fn send(self, (header, value): (&str, &str)) -> Self {
        self.step(json!({"send": {header: value}}))
    }

    /// Types an address.
    #[must_use]
    pub fn open(self, url: impl Into<String>) -> Self {
        self.step(json!({"open": url.into()}))
    }

    /// Fills in the field that a CSS selector finds.
    #[must_use]
    pub fn fill(self, selector: &str, text: &str) -> Self {
        self.step(json!({"fill": selector, "text": text}))
    }

    /// Presses the button that a selector finds, once it is there.
    #[must_use]
    pub fn press(self, selector: &str) -> Self {
        self.step(json!({"press": selector}))
    }

    /// Waits until the address begins with this.
    #[must_use]
    pub fn arrive(self, url: impl Into<String>) -> Self {
        self.step(json!({"arrive": url.into()}))
    }

    /// Waits until a CSS selector finds an element.
    #[must_use]
    pub fn find(self, selector: &str) -> Self {
        self.step(json!({"find": selector}))
    }

    /// Saves a picture of the page as PNG.
    #[must_use]
    pub fn screenshot(self, file: &Path) -> Self {
        self.step(json!({"screenshot": file}))
    }

    /// Records what the page shows.
    #[must_use]
    pub fn look(self, name: &str) -> Self {
        self.step(json!({"look": name}))
    }

    /// Lets a script of the page fetch a path.
    #[must_use]
    pub fn fetch(self, name: &str, path: &str) -> Self {
        self.step(json!({"fetch": path, "look": name}))
    }

    /// Lets a script of the page fetch a path with an additional header, as web maps do.
    #[must_use]
    pub fn fetch_with(self, name: &str, path: &str, (header, value): (&str, &str)) -> Self {
        self.step(json!({"fetch": path, "headers": {header: value}, "look": name}))
    }

    /// Records the values of the cookies for an origin, one on each line.
    #[must_use]
    pub fn cookies(self, name: &str, origin: impl Into<String>) -> Self {
        self.step(json!({"cookies": origin.into(), "look": name}))
    }

    /// Makes the visit, and returns what was recorded, by name.
    pub async fn make(self, tools: &Tools) -> Result<BTreeMap<String, Seen>> {
        let script = tools.repository().join("tests/tools/browser/visit.mjs");
        let plan = Plan::new(NAME, &tools.node()?)?;
        // The browser's profile and caches are in this folder, so they are removed after the visit.
        let folder = plan.folder().to_owned();
        let mut process = plan
            .arg(script)
            .arg(tools.chromium()?)
            .arg(Value::from(self.steps).to_string())
            .env("GEOWARDEN_BROWSER_MODULES", tools.browser_modules()?)
            .env("HOME", &folder)
            .env("TMPDIR", &folder)
            .start()?;
        let status = process.ended_within(LIMIT).await?;
        if !status.success() {
            return Err(process.error(format!("ended with {status}")));
        }
        process
            .log()
            .lines()
            .filter_map(|line| line.strip_prefix("seen "))
            .map(|line| seen(line).ok_or_else(|| Error::unexpected(NAME, line)))
            .collect()
    }

    fn step(mut self, step: Value) -> Self {
        self.steps.push(step);
        self
    }
}

fn seen(line: &str) -> Option<(String, Seen)> {
    let seen: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| Some(seen.get(name)?.as_str()?.to_owned());
    let status = seen.get("status").and_then(Value::as_u64);
    let errors = seen.get("errors")?.as_array()?.iter();
    let look = Seen {
        address: text("address")?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        title: text("title").unwrap_or_default(),
        text: text("text")?,
        challenge: text("challenge").unwrap_or_default(),
        errors: errors
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    };
    Some((text("name")?, look))
}
