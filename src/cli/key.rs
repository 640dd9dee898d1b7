//! `geowarden key`: makes API keys, lists, rotates and revokes them.

mod last_use;
mod store;

use std::{fmt::Write as _, process::ExitCode, time::Duration};

use chrono::{DateTime, SubsecRound as _, Utc};
use clap::{Args, Subcommand};
use geowarden_yaml::Document;
use serde_json::{Map, Value, json};

pub(super) use self::store::find as find_key;
use self::{last_use::LastUses, store::Store};
use super::{
    CommandError, TenantArguments,
    format::{Format, FormatArguments},
    paint, print, print_error, print_json,
    running::ConnectionArguments,
};
use crate::{
    authn::generate_key,
    config::key_file::{Entry, StoredKey, parse_expiry},
};

/// What happens to the files.
const EXPLANATION: &str = "\
With --config the key file of that configuration is changed (`authn.api_keys`): whole at once, its owner, mode and comments stay. \
A running geowarden takes up the change at once where files are watched (`policy.reload`), otherwise on SIGHUP.

  geowarden key new --config geowarden.yaml --id osgeo \\
    --attribute 'roles=[reader]'
  geowarden key list --config geowarden.yaml
  geowarden key rotate osgeo --config geowarden.yaml
  geowarden key revoke osgeo --config geowarden.yaml";

/// Attributes that hold several values, as policies and the embedded one read them.
const LISTS: [&str; 2] = ["groups", "roles"];

#[derive(Debug, Subcommand)]
#[command(after_long_help = EXPLANATION)]
pub(super) enum Key {
    /// Generate a key and print it once; store only its digest
    New(New),
    /// Show the keys that are stored: ids, attributes, expiry, and their last use if a running geowarden tells it
    List(List),
    /// Make a new key for the holder of one, which ends after a while
    Rotate(Rotate),
    /// Remove a key
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct New {
    #[command(flatten)]
    config: TenantArguments,
    /// The key's name in policies and logs
    #[arg(long)]
    id: String,
    /// An attribute that policies can read; the value is YAML: company=osgeo, and a list in brackets: roles='[reader, editor]'
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// The key is refused from then on: a date (2027-01-31) or an RFC 3339 time
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    config: TenantArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    config: TenantArguments,
    /// The id of the key
    #[arg(value_name = "ID")]
    id: String,
    /// The id of the new key, by default the old one with a number behind it
    #[arg(long, value_name = "ID")]
    new_id: Option<String>,
    /// How long the old key is still accepted
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_grace)]
    grace: Duration,
    /// The new key is refused from then on: a date (2027-01-31) or an RFC 3339 time; by default as the old key
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    config: TenantArguments,
    /// The id of the key
    #[arg(value_name = "ID")]
    id: String,
}

impl Key {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        match self {
            Self::New(new) => new.run(),
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

impl New {
    fn run(&self) -> Result<ExitCode, CommandError> {
        if self.id.is_empty() {
            return Err(CommandError::Usage(
                "--id: expected a name, found nothing".to_owned(),
            ));
        }
        let expires = expiry(self.expires.as_deref())?;
        let attributes = attributes(&self.attributes)?;
        for (name, value) in &attributes {
            if let (true, Value::String(text)) = (LISTS.contains(&name.as_str()), value) {
                let (note, text) = (paint::warning("note"), paint::plain(text));
                print_error(&format!(
                    "{note}: --attribute {name}: stored as a text, and most policies expect a list: {name}='[{text}]'\n"
                ));
            }
        }
        let made = generate_key().map_err(|e| CommandError::Failed(e.to_string()))?;
        let entry = Entry {
            id: self.id.clone(),
            sha256: made.sha256,
            attributes,
            expires,
        };
        if !self.config.names_a_configuration() {
            let stored = serde_json::to_string(&entry).map_err(std::io::Error::from)?;
            let where_to = format!("entry for the key file:\n- {stored}");
            return show(&made.key, &entry, &where_to, &self.format);
        }
        let store = Store::open(&self.config)?;
        if store.has(&self.id) {
            return Err(CommandError::Usage(
                "--id: expected a new name, found that of an entry: `geowarden key rotate` makes a new key for its holder".to_owned(),
            ));
        }
        let file = store.add(&entry)?;
        let what = format!("stored in {}", file.display());
        show(&made.key, &entry, &what, &self.format).map_err(|error| not_shown(&error, &entry))
    }
}

/// The longest time for which two keys of one holder can be accepted.
const MAX_GRACE: Duration = Duration::from_hours(366 * 24);

fn parse_grace(text: &str) -> Result<Duration, String> {
    let grace = humantime::parse_duration(text).map_err(|e| e.to_string())?;
    if grace > MAX_GRACE {
        return Err("expected at most 366d, found a longer time".to_owned());
    }
    Ok(grace)
}

fn expiry(text: Option<&str>) -> Result<Option<DateTime<Utc>>, CommandError> {
    let fault = |message: String| CommandError::Usage(format!("--expires: {message}"));
    let end = text.map(parse_expiry).transpose().map_err(fault)?;
    if end.is_some_and(|end| end <= Utc::now()) {
        return Err(fault(
            "expected a time to come, found one that is past: the key would never be accepted"
                .to_owned(),
        ));
    }
    Ok(end)
}

fn end_of(expires: Option<DateTime<Utc>>) -> String {
    expires.map_or("without an end".to_owned(), |end| {
        format!("until {}", end.format("%Y-%m-%dT%H:%M:%SZ"))
    })
}

/// The key was stored, but nobody has seen it.
fn not_shown(error: &CommandError, entry: &Entry) -> CommandError {
    CommandError::Failed(format!(
        "{error}; `{id}` is stored, but its key was not shown: remove it by `geowarden key revoke {id}`",
        id = paint::plain(&entry.id)
    ))
}

/// Shows a new key, which is nowhere else.
fn show(
    key: &str,
    entry: &Entry,
    what: &str,
    format: &FormatArguments,
) -> Result<ExitCode, CommandError> {
    if format.is(Format::Json) {
        print_json(&json!({"key": key, "entry": entry}))?;
    } else {
        print(&format!(
            "key (shown only now, give it to its holder):\n  {key}\n\n{what}\n"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl List {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let store = Store::open(&self.config)?;
        let uses = last_use::ask(&self.config, &self.connection)?;
        let uses = uses.as_ref();
        let now = Utc::now();
        if self.format.is(Format::Json) {
            let keys = store.stored().iter();
            let keys: Vec<Value> = keys.map(|key| as_json(key, now, uses)).collect();
            let mut told = json!({"keys": keys});
            if let (Some(uses), Some(members)) = (uses, told.as_object_mut()) {
                members.insert("uses_since".to_owned(), json!(uses.since()));
            }
            print_json(&told)?;
        } else {
            print(&table(store.stored(), now, uses))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(key: &StoredKey, now: DateTime<Utc>, uses: Option<&LastUses>) -> Value {
    let entry = &key.entry;
    let mut told = json!({
        "id": entry.id,
        "attributes": entry.attributes,
        "expires": entry.expires,
        "expired": is_over(entry, now),
        "stored": key.origin.to_string(),
    });
    if let (Some(uses), Some(members)) = (uses, told.as_object_mut()) {
        members.insert("last_used".to_owned(), json!(uses.of(&entry.id)));
    }
    told
}

fn is_over(entry: &Entry, now: DateTime<Utc>) -> bool {
    entry.expires.is_some_and(|end| end <= now)
}

fn table(keys: &[StoredKey], now: DateTime<Utc>, uses: Option<&LastUses>) -> String {
    let widest = keys
        .iter()
        .map(|key| paint::plain(&key.entry.id).chars().count());
    let width = widest.max().unwrap_or_default();
    let mut text = String::new();
    for key in keys {
        let entry = &key.entry;
        let end = match entry.expires {
            None => "no end".to_owned(),
            Some(end) if is_over(entry, now) => {
                format!("{} {}", paint::warning("expired"), end.format("%Y-%m-%d"))
            }
            Some(end) => format!("until {}", end.format("%Y-%m-%d")),
        };
        let attributes = Value::Object(entry.attributes.clone()).to_string();
        let (id, attributes) = (paint::plain(&entry.id), paint::plain(&attributes));
        // Writing to a string cannot fail.
        let _ = write!(text, "{id:width$}  {end:16}  ");
        if let Some(uses) = uses {
            let _ = write!(text, "{:42}  ", uses.in_words(&entry.id));
        }
        let _ = writeln!(text, "{attributes}");
    }
    if text.is_empty() {
        text.push_str("no keys\n");
    }
    text
}

impl Rotate {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let expires = expiry(self.expires.as_deref())?;
        let now = Utc::now();
        let store = Store::open(&self.config)?;
        let old = store.find(&self.id)?.entry.clone();
        if is_over(&old, now) && expires.is_none() {
            return Err(CommandError::Usage(
                "expected a key that is still accepted, found one that has expired: give the new key an end by --expires".to_owned(),
            ));
        }
        let made = generate_key().map_err(|e| CommandError::Failed(e.to_string()))?;
        let new = Entry {
            id: self.new_id(&store)?,
            sha256: made.sha256,
            expires: expires.or(old.expires),
            ..old.clone()
        };
        let end = (now + self.grace).trunc_subsecs(0);
        let ends = old.expires.filter(|earlier| *earlier < end).unwrap_or(end);
        // First the new one: if that fails, the holder has the old one still.
        let file = store.add(&new)?;
        let store = store.again(&self.config)?;
        store.replace(&Entry {
            expires: Some(ends),
            ..old
        })?;
        let (id, of_new) = (paint::plain(&new.id), end_of(new.expires));
        let what = format!(
            "stored in {} as {id}, which is accepted {of_new}; the old one is accepted {}",
            file.display(),
            end_of(Some(ends))
        );
        show(&made.key, &new, &what, &self.format).map_err(|error| not_shown(&error, &new))
    }

    /// The given id, or the old one with the next number.
    fn new_id(&self, store: &Store) -> Result<String, CommandError> {
        if let Some(id) = &self.new_id {
            return if store.has(id) || id.is_empty() {
                Err(CommandError::Usage(
                    "--new-id: expected a new name, found that of an entry or nothing".to_owned(),
                ))
            } else {
                Ok(id.clone())
            };
        }
        let (stem, number) = match self.id.rsplit_once('-') {
            Some((stem, number)) if !stem.is_empty() => number
                .parse::<u32>()
                .map_or((self.id.as_str(), 1), |number| (stem, number)),
            _ => (self.id.as_str(), 1),
        };
        let mut further = (number.saturating_add(1)..).map(|number| format!("{stem}-{number}"));
        further
            .find(|id| !store.has(id))
            .ok_or_else(|| CommandError::Usage("--new-id: expected a new name".to_owned()))
    }
}

impl Revoke {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let file = Store::open(&self.config)?.remove(&self.id)?;
        print(&format!(
            "removed {} from {}\n",
            paint::plain(&self.id),
            file.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Parses `name=value` pairs. Values are YAML, so they can be lists and numbers.
pub(super) fn attributes(pairs: &[String]) -> Result<Map<String, Value>, CommandError> {
    pairs
        .iter()
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .filter(|(n, _)| !n.is_empty())
                .ok_or_else(|| {
                    let message = "--attribute: expected NAME=VALUE, found a text without a name or without `=`";
                    CommandError::Usage(message.to_owned())
                })?;
            let value = Document::parse(value)
                .map_or_else(|_| Value::String(value.to_owned()), |d| d.value);
            Ok((name.to_owned(), value))
        })
        .collect()
}
