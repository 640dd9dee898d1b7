//! `geowarden tail`: prints the decisions of a running geowarden while they are made.

mod explaining;

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use self::explaining::Explaining;
use super::{
    CommandError,
    format::{Format, FormatArguments},
    paint, print,
    running::{AdminArguments, runtime},
    status::{point, rfc3339, some},
};
use crate::transport::admin::v1::{
    self, Decision, TailRequest, TailResponse, tail_response::Event,
};

/// The help text: the meaning of the filters.
const EXPLANATION: &str = "\
It asks the gRPC admin service, which `server.admin_grpc.address` switches on, and ends with the service, after \
--count decisions, or by Ctrl-C. A decision is shown when it passes every filter that is given. In --path `*` stands \
for any characters, `/` among them: '/collections/obs/*' is all that is below that collection. Paths are shown without \
their query, and not at all for a request that could not be read. Who reads too slowly is told how many decisions it \
missed. With --explain, each refusal by the policy is followed by the reason: which condition did not hold, with the values \
that it saw, of the policy of --config. Exit code 0: --count were shown; 1: nothing answers there, or the service ended; 64: bad usage.

  geowarden tail --config geowarden.yaml --outcome deny
  geowarden tail --address unix:/run/geowarden/admin.sock \\
    --collection obs --principal osgeo
  geowarden tail --address 127.0.0.1:9193 --path '/collections/*' --json \\
    | jq .reason
  geowarden tail --config geowarden.yaml --outcome deny --explain";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    Allow,
    Deny,
}

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct Tail {
    #[command(flatten)]
    admin: AdminArguments,
    /// Only decisions with this outcome
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// Only decisions on this collection, by its exact id
    #[arg(long, value_name = "ID")]
    collection: Option<String>,
    /// Only decisions for this caller: a token's subject, or an API key's id
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// Only decisions on a path that matches this pattern as a whole; `*` stands for any characters
    #[arg(long, value_name = "PATTERN")]
    path: Option<String>,
    /// Only decisions by the rules of this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Stop after this many decisions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Say why the policy refused, by the policy of the configuration
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    format: FormatArguments,
}

impl Tail {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        runtime()?.block_on(self.watch())
    }

    async fn watch(&self) -> Result<ExitCode, CommandError> {
        let mut explaining = (self.explain)
            .then(|| Explaining::by(self.admin.configuration()))
            .transpose()?;
        let mut tail = self.admin.connect().await?.tail(self.wanted()).await?;
        // Print to standard error, not to the output: from now on, decisions are shown.
        writeln!(io::stderr().lock(), "watching {}", tail.address())?;
        let is_json = self.format.is(Format::Json);
        let mut left = self.count;
        while let Some(TailResponse { event }) = tail.next().await? {
            let Some(event) = event else { continue };
            let why = match (&event, &mut explaining) {
                (Event::Decision(decision), Some(explaining)) => explaining.why(decision),
                _ => None,
            };
            let line = match (&event, is_json) {
                (Event::Decision(decision), true) => {
                    let mut all = decision_as_json(decision);
                    if let (Some(why), Some(members)) = (why, all.as_object_mut()) {
                        members.extend(why.json());
                    }
                    paint::shown_json(&all.to_string()).into_owned()
                }
                (Event::Decision(decision), false) => {
                    decision_as_text(decision) + &why.map(|why| why.text()).unwrap_or_default()
                }
                (Event::Lost(lost), true) => json!({ "lost": lost }).to_string(),
                (Event::Lost(lost), false) => {
                    format!("{}: {lost} decisions were missed", paint::warning("lost"))
                }
            };
            print(&format!("{line}\n"))?;
            if let (Event::Decision(_), Some(left)) = (&event, &mut left) {
                *left -= 1;
                if *left == 0 {
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        Err(CommandError::Failed("the service ended".to_owned()))
    }

    fn wanted(&self) -> TailRequest {
        let outcome = match self.outcome {
            None => v1::Outcome::Unspecified,
            Some(Outcome::Allow) => v1::Outcome::Allow,
            Some(Outcome::Deny) => v1::Outcome::Deny,
        };
        TailRequest {
            outcome: outcome.into(),
            collection: self.collection.clone().unwrap_or_default(),
            principal: self.principal.clone().unwrap_or_default(),
            path: self.path.clone().unwrap_or_default(),
            tenant: self.tenant.clone().unwrap_or_default(),
            with_input: self.explain,
        }
    }
}

/// One line, with the id for `geowarden explain` at its end:
/// `10:02:03.123 deny  403 GET /collections/obs/items  osgeo (api_key)  312us  policy-denied  7d1c6f0e-..`.
fn decision_as_text(decision: &Decision) -> String {
    let time = point(decision.time).map(|time| humantime::format_rfc3339_millis(time).to_string());
    // Without the date, which the user knows. The zone is UTC, as in the log.
    let time = time.as_deref().and_then(|time| time.get(11..));
    let outcome = match decision.outcome() {
        v1::Outcome::Allow => paint::good("allow"),
        v1::Outcome::Deny => paint::bad("deny "),
        v1::Outcome::Unspecified => paint::warning("?"),
    };
    let path = match &*decision.path {
        "" => "(unread)",
        path => path,
    };
    let mut text = format!(
        "{} {outcome} {} {} {}",
        time.unwrap_or_default(),
        decision.status,
        paint::plain(&decision.method),
        paint::plain(path),
    );
    // Writing to a string cannot fail.
    if !decision.tenant.is_empty() {
        let _ = write!(text, "  {}:", paint::plain(&decision.tenant));
    }
    if let Some(principal) = &decision.principal {
        let method = paint::plain(&principal.method);
        let _ = match &*principal.subject {
            "" => write!(text, "  {method}"),
            subject => write!(text, "  {} ({method})", paint::plain(subject)),
        };
    }
    let _ = write!(text, "  {}us", micros(decision));
    let _ = write!(text, "  {}", paint::plain(&decision.reason));
    if !decision.id.is_empty() {
        let _ = write!(text, "  {}", paint::plain(&decision.id));
    }
    text
}

/// Uses the names of the decision log.
fn decision_as_json(decision: &Decision) -> Value {
    let principal = decision.principal.as_ref();
    let mut all = json!({
        "decision_id": decision.id,
        "time": rfc3339(decision.time),
        "outcome": match decision.outcome() {
            v1::Outcome::Allow => "allow",
            v1::Outcome::Deny => "deny",
            v1::Outcome::Unspecified => "unknown",
        },
        "status": decision.status,
        "reason": decision.reason,
        "tenant": some(&decision.tenant),
        "method": decision.method,
        "path": some(&decision.path),
        "api": some(&decision.api),
        "operation": some(&decision.operation),
        "collection": some(&decision.collection),
        "principal": principal.map(|principal| &principal.method),
        "subject": principal.and_then(|principal| some(&principal.subject)),
        "issuer": principal.and_then(|principal| some(&principal.issuer)),
        "duration_us": micros(decision),
    });
    if let Value::Object(members) = &mut all {
        let facts = decision.facts.iter();
        members.extend(facts.filter_map(|fact| Some((fact.name.clone(), fact_as_json(fact)?))));
    }
    all
}

fn fact_as_json(fact: &v1::Fact) -> Option<Value> {
    Some(match fact.value.as_ref()? {
        v1::fact::Value::Text(text) => text.as_str().into(),
        v1::fact::Value::Number(number) => (*number).into(),
        v1::fact::Value::Flag(flag) => (*flag).into(),
    })
}

fn micros(decision: &Decision) -> u64 {
    let duration = decision.duration.and_then(|d| Duration::try_from(d).ok());
    u64::try_from(duration.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    #[test]
    fn a_hostile_server_s_decision_is_shown() {
        let decision = Decision {
            time: Some(Timestamp {
                seconds: i64::MIN,
                nanos: i32::MIN,
            }),
            path: "/\u{1b}[2J".to_owned(),
            ..Decision::default()
        };
        let text = decision_as_text(&decision);
        assert!(text.contains("/\\u{1b}[2J"), "{text}");
        assert!(decision_as_json(&decision)["time"].is_null());
    }
}
