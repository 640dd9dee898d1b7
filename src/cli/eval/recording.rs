//! `eval --record`: the request and its decision as a row of a table.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    super::{
        CommandError,
        deciding::{Decider, caller::Caller},
        format::Format,
        paint, print,
        table::{self, Difference, Request, Row, Scheme, Values, Who, recorded},
    },
    Eval,
};
use crate::{
    record::DecisionRecord,
    request::{CheckInput, Headers},
};

/// The folder of the policy that a table is for.
pub(super) fn folder(table: &Path) -> PathBuf {
    table::folder_of(table).to_path_buf()
}

impl Eval {
    /// Appends the row of a decision to a table.
    pub(super) fn append(
        &self,
        file: &Path,
        decider: &Decider,
        caller: &Caller,
        record: &DecisionRecord<'_>,
    ) -> Result<(), CommandError> {
        let Some(check) = record.request else {
            return Ok(());
        };
        let row = self.row(decider, check, caller, record)?;
        // Without the credentials of the request, the row must mean the same.
        let sample = row.request.sample(decider.now());
        let again = decider.check(&sample)?;
        let outcome = decider.decide(&again, &row.who.caller());
        if let Some(difference) = Difference::all(&row, &outcome).first() {
            return Err(CommandError::Failed(format!(
                "--record: a table has no credentials and cookies, and without them `{}` is {} instead of {}: describe the caller by --attribute or --claims",
                difference.key, difference.found, difference.expected
            )));
        }
        let name = table::append(file, row, self.name.is_none())?;
        if self.format.is(Format::Json) {
            // Nothing but the JSON of the decision.
            return Ok(());
        }
        print(&format!(
            "recorded in {}: {}\n",
            paint::plain(&file.display().to_string()),
            paint::plain(&name)
        ))
    }

    fn row(
        &self,
        decider: &Decider,
        check: &CheckInput,
        caller: &Caller,
        record: &DecisionRecord<'_>,
    ) -> Result<Row, CommandError> {
        let unfit = |why: &str| {
            CommandError::Usage(format!(
                "--record: {why}: describe the caller by --attribute or --claims"
            ))
        };
        let principal = match caller {
            Caller::Known(principal) => (**principal).clone(),
            Caller::ByCredential => decider
                .authenticate(check)
                .map_err(|_| unfit("a row cannot have a credential that is refused"))?,
            Caller::Expired => return Err(unfit("a row cannot have a key that has expired")),
        };
        let who = Who::of(&principal).ok_or_else(|| unfit("a row cannot have an opaque token"))?;
        let request = self.request(decider, check)?;
        Ok(recorded::row(
            self.name.clone(),
            who,
            request,
            self.at,
            record,
        ))
    }

    /// The request without its credentials.
    fn request(&self, decider: &Decider, check: &CheckInput) -> Result<Request, CommandError> {
        let text = |bytes: &[u8], what: &str| {
            String::from_utf8(bytes.to_vec()).map_err(|_| {
                CommandError::Usage(format!(
                    "--record: {what}: expected UTF-8, found other bytes"
                ))
            })
        };
        let erased = recorded::Erased::of(check, decider.rules());
        let sent: Headers = self.headers()?;
        let mut headers: BTreeMap<String, Values> = BTreeMap::new();
        for (name, value) in sent
            .iter()
            .filter(|(name, _)| *name != "host" && erased.has_header(name))
        {
            let values = headers.entry(name.to_owned()).or_default();
            values.0.push(text(value, "a header")?);
        }
        let unless = |value: &str, default: &str| (value != default).then(|| value.to_owned());
        Ok(Request {
            method: self.method.clone(),
            target: text(&erased.target, "the target")?,
            headers,
            body: unless(&self.body, "").map(Into::into),
            host: unless(&self.host()?, "localhost"),
            scheme: (self.scheme == "https").then_some(Scheme::Https),
            source_address: Some(self.source_address).filter(|address| !address.is_loopback()),
        })
    }
}
