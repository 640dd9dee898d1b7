//! Finds the reason of an answer.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::stand::Stand;
use crate::client::Answer;

const LIMIT: Duration = Duration::from_secs(3);

/// The reason in the answer itself, or else in geowarden's decision log, or else in Envoy's access log.
pub(crate) async fn of(answer: &Answer, stand: &mut Stand) -> String {
    if let Some(detail) = problem_detail(answer) {
        return detail;
    }
    let Some(line) = access_log_line(answer, stand).await else {
        return "nobody said why".to_owned();
    };
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let decision = answer
        .header("x-geowarden-decision-id")
        .or(text("decision_id"));
    let decided = decision.and_then(|id| decided_reason(id, &stand.geowarden.events()));
    match (decided.or(text("reason").map(str::to_owned)), decision) {
        (Some(reason), Some(id)) => format!("{reason} (decision {id})"),
        (Some(reason), None) => reason,
        (None, Some(id)) => format!("decision {id}"),
        (None, None) => format!("Envoy itself says {}", text("details").unwrap_or("nothing")),
    }
}

fn problem_detail(answer: &Answer) -> Option<String> {
    answer
        .header("content-type")
        .filter(|kind| kind.starts_with("application/problem+json"))?;
    let problem = answer.json().ok()?;
    let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
    text("detail").or(text("title"))
}

/// Envoy's line about this answer. If Envoy refuses a request before it reads it, the answer has no id. Then it is the newest
/// line with the same status.
async fn access_log_line(answer: &Answer, stand: &mut Stand) -> Option<Value> {
    let id = answer
        .header("x-request-id")
        .map_or(Value::Null, Value::from);
    let status = Value::from(answer.status());
    let fits =
        |line: &Value| line.get("request_id") == Some(&id) && line.get("status") == Some(&status);
    timeout(LIMIT, stand.envoy.access_log_line(fits))
        .await
        .ok()?
        .ok()
}

fn decided_reason(id: &str, events: &[Value]) -> Option<String> {
    let event = events
        .iter()
        .find(|event| event.get("decision_id").and_then(Value::as_str) == Some(id))?;
    event
        .get("reason")
        .and_then(Value::as_str)
        .map(str::to_owned)
}
