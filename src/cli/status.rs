//! `geowarden status`: shows the policy, keys and reloads of a running geowarden.

use std::{
    fmt::Write as _,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::{
    CommandError,
    format::{Format, FormatArguments},
    paint, print, print_json,
    running::{AdminArguments, runtime},
};
use crate::transport::admin::v1::{
    FailingFiles, KeySet, Policy, ReloadFailure, Reloads, Snapshot, StatusResponse, Task,
    key_set::Source,
};

/// The help text: the meaning of the output.
const EXPLANATION: &str = "\
It asks the gRPC admin service, which `server.admin_grpc.address` switches on. Exit code 0: it answered, ready or not \
(`geowarden healthcheck` asks that); 1: nothing answers there; 64: bad usage or configuration.

  geowarden status --config geowarden.yaml
  geowarden status --address unix:/run/geowarden/admin.sock --json
  geowarden status --address geowarden.example:9193 \\
    --ca ca.crt --cert tls.crt --key tls.key";

/// The first second after the year 9999, in seconds since 1970.
const YEAR_10000: u64 = 253_402_300_800;

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct Status {
    #[command(flatten)]
    admin: AdminArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl Status {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let status = runtime()?.block_on(async {
            let mut client = self.admin.connect().await?;
            Ok::<_, CommandError>(client.status().await?)
        })?;
        if self.format.is(Format::Json) {
            print_json(&as_json(&status))?;
        } else {
            print(&as_text(&status))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_text(status: &StatusResponse) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(status, &mut text);
    text
}

fn write_text(status: &StatusResponse, text: &mut String) -> std::fmt::Result {
    let ready = if status.ready {
        paint::good("ready")
    } else {
        paint::bad("not ready")
    };
    writeln!(text, "geowarden {}: {ready}", paint::plain(&status.version))?;
    for obstacle in &status.obstacles {
        writeln!(text, "  {}", indented(obstacle, 2))?;
    }
    for warning in &status.warnings {
        let word = paint::warning("warning");
        writeln!(text, "  {word}: {}", indented(warning, 4))?;
    }
    writeln!(text, "started   {}", moment(status.started))?;
    if let Some(Snapshot { number, loaded }) = &status.snapshot {
        writeln!(
            text,
            "snapshot  {number}, in force since {}",
            moment(*loaded)
        )?;
    }
    for policy in &status.policies {
        let (entrypoint, revision) = (&policy.entrypoint, &policy.revision);
        let of = of_tenant(&policy.tenant);
        let line = format!("policy    {entrypoint}, revision {revision}{of}");
        writeln!(text, "{}", paint::plain(&line))?;
        if let Some(why) = some(&policy.interpreted) {
            writeln!(text, "  note: {}", indented(why, 4))?;
        }
        for warning in &policy.warnings {
            let word = paint::warning("warning");
            writeln!(text, "  {word}: {}", indented(warning, 4))?;
        }
    }
    for set in &status.key_sets {
        write_keys(set, text)?;
    }
    if let Some(reloads) = &status.reloads {
        write_reloads(reloads, text)?;
    }
    for task in &status.tasks {
        write_task(task, text)?;
    }
    Ok(())
}

fn write_keys(set: &KeySet, text: &mut String) -> std::fmt::Result {
    let issuer = format!("{}{}", set.issuer, of_tenant(&set.tenant));
    write!(text, "issuer    {}: ", paint::plain(&issuer))?;
    if set.ready {
        let ids = set.key_ids.join(", ");
        write!(text, "{} keys", set.keys)?;
        if !ids.is_empty() {
            write!(text, " ({})", paint::plain(&ids))?;
        }
        let age = set.age.and_then(|age| Duration::try_from(age).ok());
        writeln!(text, ", {} old", short(age.unwrap_or_default()))?;
    } else {
        writeln!(text, "{}", paint::bad("no keys yet"))?;
    }
    if let Some((_, place)) = source(set) {
        writeln!(text, "  from {}", paint::plain(place))?;
    }
    if !set.fault.is_empty() {
        let word = paint::bad("last fetch failed");
        writeln!(text, "  {word}: {}", indented(&set.fault, 4))?;
    }
    Ok(())
}

fn write_task(task: &Task, text: &mut String) -> std::fmt::Result {
    write!(text, "task      {}: ", paint::plain(&task.name))?;
    match (task.running, task.down) {
        (true, false) => write!(text, "runs")?,
        (false, false) => write!(text, "{}", paint::warning("has ended"))?,
        (_, true) => write!(text, "{}", paint::bad("keeps ending"))?,
    }
    if task.restarts > 0 {
        write!(text, ", started again {} times", task.restarts)?;
    }
    writeln!(text)
}

fn write_reloads(reloads: &Reloads, text: &mut String) -> std::fmt::Result {
    let (good, bad) = (reloads.successes, reloads.failures);
    write!(text, "reloads   {good} succeeded, {bad} failed")?;
    if reloads.failing {
        let word = paint::bad("the files on disk cannot be used");
        write!(text, "; {word}, the last good ones serve")?;
    }
    writeln!(text)?;
    for failing in &reloads.failing_files {
        let since = moment(failing.since);
        let line = format!("failing since {since}{}", of_tenant(&failing.tenant));
        writeln!(text, "  {}", paint::plain(&line))?;
    }
    for failure in &reloads.last_failures {
        writeln!(text, "  failed {}", moment(failure.time))?;
        for problem in &failure.problems {
            writeln!(text, "    {}", indented(problem, 6))?;
        }
    }
    Ok(())
}

/// Indents all lines of a text but the first.
fn indented(text: &str, by: usize) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| paint::plain(line).to_string())
        .collect();
    lines.join(&format!("\n{:by$}", ""))
}

fn of_tenant(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" (tenant {name})"),
    }
}

fn source(set: &KeySet) -> Option<(&'static str, &str)> {
    Some(match set.source.as_ref()? {
        Source::File(place) => ("file", place),
        Source::JwksUri(place) => ("jwks_uri", place),
        Source::Discovery(place) => ("discovery", place),
    })
}

pub(super) fn moment(time: Option<Timestamp>) -> String {
    let Some(time) = point(time) else {
        return "unknown".to_owned();
    };
    let ago = short(time.elapsed().unwrap_or_default());
    format!("{} ({ago} ago)", humantime::format_rfc3339_seconds(time))
}

/// The two largest units only: nobody needs the seconds of a week.
fn short(duration: Duration) -> String {
    let text = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    let parts: Vec<&str> = text.split(' ').take(2).collect();
    parts.join(" ")
}

fn as_json(status: &StatusResponse) -> Value {
    let snapshot = status.snapshot.unwrap_or_default();
    let policies: Vec<Value> = status.policies.iter().map(policy_as_json).collect();
    let reloads = status.reloads.clone().unwrap_or_default();
    let key_sets: Vec<Value> = status.key_sets.iter().map(keys_as_json).collect();
    let failure = |failure: &ReloadFailure| json!({"time": rfc3339(failure.time), "problems": failure.problems});
    let failing =
        |one: &FailingFiles| json!({"tenant": some(&one.tenant), "since": rfc3339(one.since)});
    let failing: Vec<Value> = reloads.failing_files.iter().map(failing).collect();
    let task = |task: &Task| json!({"name": task.name, "restarts": task.restarts, "running": task.running, "down": task.down});
    let tasks: Vec<Value> = status.tasks.iter().map(task).collect();
    let failures: Vec<Value> = reloads.last_failures.iter().map(failure).collect();
    json!({
        "version": status.version,
        "started": rfc3339(status.started),
        "ready": status.ready,
        "obstacles": status.obstacles,
        "snapshot": {"number": snapshot.number, "loaded": rfc3339(snapshot.loaded)},
        "policies": policies,
        "key_sets": key_sets,
        "reloads": {
            "successes": reloads.successes,
            "failures": reloads.failures,
            "failing": reloads.failing,
            "failing_files": failing,
            "last_failures": failures,
        },
        "warnings": status.warnings,
        "tasks": tasks,
    })
}

fn policy_as_json(policy: &Policy) -> Value {
    json!({
        "tenant": some(&policy.tenant),
        "entrypoint": policy.entrypoint,
        "revision": policy.revision,
        "interpreted": some(&policy.interpreted),
        "warnings": policy.warnings,
    })
}

/// `None` for an empty text.
pub(super) fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn keys_as_json(set: &KeySet) -> Value {
    let mut line = json!({
        "tenant": some(&set.tenant),
        "issuer": set.issuer,
        "ready": set.ready,
        "keys": set.keys,
        "key_ids": set.key_ids,
        "fetched": rfc3339(set.fetched),
        "age_seconds": set.age.map(|age| age.seconds),
        "fault": some(&set.fault),
    });
    if let (Some((kind, place)), Some(members)) = (source(set), line.as_object_mut()) {
        members.insert(kind.to_owned(), place.into());
    }
    line
}

/// The time, if RFC 3339 can write it: a year has four digits. A server may send any other time.
pub(super) fn point(time: Option<Timestamp>) -> Option<SystemTime> {
    let time = SystemTime::try_from(time?).ok()?;
    let since_1970 = time.duration_since(UNIX_EPOCH).ok()?;
    (since_1970.as_secs() < YEAR_10000).then_some(time)
}

/// Formats a time as in RFC 3339.
pub(super) fn rfc3339(time: Option<Timestamp>) -> Option<String> {
    Some(humantime::format_rfc3339_micros(point(time)?).to_string())
}

#[cfg(test)]
mod tests;
