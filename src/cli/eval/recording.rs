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
        table::{self, Changes, Decision, Difference, Request, Row, Scheme, Values, Who},
    },
    Eval,
};
use crate::{
    identity::{Method, Principal},
    record::DecisionRecord,
    request::{CheckInput, Headers},
};

/// Headers that often hold credentials. They are not recorded, even if the configuration does not name them: tables are kept
/// with the policy, where many can read them.
const CREDENTIALS: [&str; 6] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "referer",
    "x-api-key",
    "x-auth-token",
];
/// Query parameters that often hold credentials (RFC 6750, section 2.3).
const CREDENTIAL_PARAMETERS: [&str; 4] = ["access_token", "api_key", "apikey", "token"];

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
        let request = self.request(decider, check, &principal)?;
        let none = crate::policy::Verdict::default();
        let verdict = record.followed_verdict().unwrap_or(&none);
        Ok(Row {
            name: self
                .name
                .clone()
                .unwrap_or_else(|| name(&principal, &request)),
            who,
            request,
            at: self.at,
            decision: Decision::of(record.is_allowed()),
            status: (!record.is_allowed()).then(|| record.status()),
            reason: Some(record.reason().to_owned()),
            reason_user: verdict.reason_user.clone(),
            changes: without_empty(table::changes(verdict)),
        })
    }

    /// The request without its credentials.
    fn request(
        &self,
        decider: &Decider,
        check: &CheckInput,
        principal: &Principal,
    ) -> Result<Request, CommandError> {
        let text = |bytes: &[u8], what: &str| {
            String::from_utf8(bytes.to_vec()).map_err(|_| {
                CommandError::Usage(format!(
                    "--record: {what}: expected UTF-8, found other bytes"
                ))
            })
        };
        let removal = decider.rules().authn.removal(check, principal);
        let mut shown = check.clone();
        shown.withhold(&CREDENTIAL_PARAMETERS.map(str::to_owned));
        let withheld = [check, &shown]
            .into_iter()
            .flat_map(|check| &check.withheld.headers);
        let is_credential = |name: &str| {
            CREDENTIALS.contains(&name)
                || removal.headers.iter().flatten().any(|h| *h == name)
                || withheld.clone().any(|h| h == name)
        };
        let sent: Headers = self.headers()?;
        let mut headers: BTreeMap<String, Values> = BTreeMap::new();
        for (name, value) in sent.iter().filter(|(name, _)| !is_credential(name)) {
            let values = headers.entry(name.to_owned()).or_default();
            values.0.push(text(value, "a header")?);
        }
        let unless = |value: &str, default: &str| (value != default).then(|| value.to_owned());
        Ok(Request {
            method: self.method.clone(),
            target: text(&shown.target, "the target")?,
            headers,
            body: unless(&self.body, "").map(Into::into),
            host: unless(&self.host, "localhost"),
            scheme: (self.scheme == "https").then_some(Scheme::Https),
            source_address: Some(self.source_address).filter(|address| !address.is_loopback()),
        })
    }
}

/// The changes without empty lists.
fn without_empty(changes: Changes) -> Changes {
    Changes {
        headers: changes.headers.filter(|all| !all.is_empty()),
        response_headers_to_add: changes
            .response_headers_to_add
            .filter(|all| !all.is_empty()),
        request_headers_to_remove: changes
            .request_headers_to_remove
            .filter(|all| !all.is_empty()),
        query_parameters_to_set: changes
            .query_parameters_to_set
            .filter(|all| !all.is_empty()),
        query_parameters_to_remove: changes
            .query_parameters_to_remove
            .filter(|all| !all.is_empty()),
    }
}

/// The name of a row that was not given one.
fn name(principal: &Principal, request: &Request) -> String {
    let who = match principal.method {
        Method::Anonymous => "anonymous".to_owned(),
        Method::ApiKey => {
            let attributes = serde_json::Value::Object((*principal.attributes).clone());
            format!("key {attributes}")
        }
        Method::Jwt | Method::OpaqueToken => {
            let claims = serde_json::Value::Object((*principal.claims).clone());
            format!("token {claims}")
        }
    };
    format!("{who}: {} {}", request.method, request.target)
}
