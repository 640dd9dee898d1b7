//! A row of a decision that was made: what it expects, and what it must not hold.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Changes, Decision, Request, Row, Who, changes};
use crate::{
    identity::Principal,
    pipeline::Rules,
    policy::Verdict,
    record::{CREDENTIAL_PARAMETERS, DecisionRecord},
    request::CheckInput,
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

/// A request without what is a credential by the configuration, and without what often is one.
pub(in crate::cli) struct Erased {
    /// The target.
    pub(in crate::cli) target: Vec<u8>,
    /// The names of the headers that it no longer has.
    headers: BTreeSet<String>,
}

impl Erased {
    /// `check` is without what the configuration withholds.
    pub(in crate::cli) fn of(check: &CheckInput, rules: &Rules) -> Self {
        let mut rest = check.clone();
        rest.withhold(&CREDENTIAL_PARAMETERS.map(str::to_owned));
        let removal = rules.authn.removal(check, &Principal::anonymous());
        let removed = removal.headers.into_iter().flatten();
        let withheld = check.withheld.headers.iter().chain(&rest.withheld.headers);
        let names = CREDENTIALS.into_iter().chain(removed);
        let names = names.chain(withheld.map(String::as_str));
        Self {
            headers: names.map(str::to_owned).collect(),
            target: rest.target,
        }
    }

    /// Whether a header of this name, in lower case, is still there.
    pub(in crate::cli) fn has_header(&self, name: &str) -> bool {
        !self.headers.contains(name)
    }
}

/// The row that expects what was decided. Without a name it says who asks for what.
pub(in crate::cli) fn row(
    name: Option<String>,
    who: Who,
    request: Request,
    at: Option<DateTime<Utc>>,
    record: &DecisionRecord<'_>,
) -> Row {
    let none = Verdict::default();
    let verdict = record.followed_verdict().unwrap_or(&none);
    Row {
        name: name.unwrap_or_else(|| own_name(&who, &request)),
        who,
        request,
        at,
        decision: Decision::of(record.is_allowed()),
        status: (!record.is_allowed()).then(|| record.status()),
        reason: Some(record.reason().to_owned()),
        reason_user: verdict.reason_user.clone(),
        changes: without_empty(changes(verdict)),
    }
}

/// The name of a row that was not given one.
fn own_name(who: &Who, request: &Request) -> String {
    let object = |members: &Map<String, Value>| Value::Object(members.clone());
    let who = match who {
        Who::Anonymous => "anonymous".to_owned(),
        Who::Key { attributes, .. } => format!("key {}", object(attributes)),
        Who::Token(claims) => format!("token {}", object(claims)),
    };
    format!("{who}: {} {}", request.method, request.target)
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
