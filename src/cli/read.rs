//! `geowarden read`: shows the resource of each request, without keys, policies or a server.

use std::{
    io::{self, BufRead, BufWriter, IsTerminal as _, Write},
    process::ExitCode,
};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};
use serde_json::{Value, json};

use super::{CommandError, TenantArguments, found_instead, paint, print_error};
use crate::{
    reload::build,
    request::{
        CheckInput,
        ogc::{Backend, Reader},
    },
};

/// The help text: the input lines and the output lines.
const EXPLANATION: &str = "\
Each line of standard input is one request in JSON:

  echo '{\"method\": \"GET\", \"target\": \"/collections/obs/items\"}' | geowarden read

`target` is the raw path and query, a character a byte (ISO 8859-1). `headers`, such as [[\"accept\", \"*/*\"]], and `body`, a text, \
may be left out.

One line is printed for each: {\"read\": {..}} with what a policy sees as `input.ogc` and, as `path`, what pygeoapi \
would receive, with `accept` and `content_type` where it would receive others than the client's; or \
{\"refuse\": RULE, \"detail\": ..}. The path of a file or a catalog is shown as `resource_path`.";

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct Read {
    #[command(flatten)]
    config: TenantArguments,
    /// The web framework that serves pygeoapi, instead of the configured one
    #[arg(long, value_parser = backends())]
    backend: Option<Backend>,
    /// The path below which pygeoapi is served, such as /geoapi, instead of the configured one
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
}

/// Parses a web framework by its name in the configuration.
pub(super) fn backends() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(["flask", "starlette"]).try_map(|name| {
        let name = IntoDeserializer::<value::Error>::into_deserializer(name);
        Backend::deserialize(name)
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    method: String,
    target: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

impl Read {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut config = self.config.load()?;
        if let Some(backend) = self.backend {
            config.pygeoapi.backend = backend;
        }
        if let Some(base_path) = &self.base_path {
            config.pygeoapi.base_path.clone_from(base_path);
        }
        let reader = build::reader(&config).map_err(CommandError::Config)?;
        let credentials = config.authn.query_parameters();
        let mut input = io::stdin().lock();
        if input.is_terminal() {
            // Otherwise it would look as if nothing happened.
            print_error(
                "reads requests, one in JSON on each line, until Ctrl-D: geowarden read --help shows one\n",
            );
        }
        let mut output = BufWriter::new(io::stdout().lock());
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let fault =
                |what: &str| CommandError::Usage(format!("standard input:{number}: {what}"));
            let read = input.read_until(b'\n', &mut line);
            if read.map_err(|e| fault(&format!("cannot be read: {e}")))? == 0 {
                break;
            }
            let text = std::str::from_utf8(&line);
            let text = text.map_err(|_| fault("expected UTF-8, found other bytes"))?;
            let line = answer(&reader, &credentials, text).map_err(|what| fault(&what))?;
            output.write_all(paint::shown_json(&line.to_string()).as_bytes())?;
            // Flush after each line: a program may wait for an answer before it sends the next line.
            output.write_all(b"\n")?;
            output.flush()?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn answer(reader: &Reader, credentials: &[String], line: &str) -> Result<Value, String> {
    let line: RequestLine = serde_json::from_str(line).map_err(|e| {
        let (found, column) = (found_instead(&e), e.column());
        format!("expected {{\"method\": .., \"target\": .., \"headers\": [[.., ..]], \"body\": ..}}, found {found} (column {column})")
    })?;
    let target = line
        .target
        .chars()
        .map(|c| {
            u8::try_from(c).map_err(|_| {
                "`target`: expected characters up to U+00FF, one a byte, found another one"
                    .to_owned()
            })
        })
        .collect::<Result<Vec<u8>, String>>()?;
    let mut check = CheckInput {
        method: line.method,
        target,
        headers: line.headers.into_iter().collect(),
        body: line.body.into_bytes(),
        ..CheckInput::default()
    };
    check.withhold(credentials);
    Ok(match reader.read(&check.raw_request()) {
        Ok(resource) => {
            let mut seen = serde_json::to_value(&resource).map_err(|e| e.to_string())?;
            if let Some(members) = seen.as_object_mut() {
                // `path` is the one that is sent on, so the path of a file or a catalog is printed as `resource_path`.
                if let Some(own) = members.remove("path") {
                    members.insert("resource_path".to_owned(), own);
                }
                members.insert("path".to_owned(), resource.canonical_path().into());
                let headers = [
                    ("accept", resource.canonical_accept()),
                    ("content_type", resource.canonical_content_type()),
                ];
                for (name, value) in headers {
                    if let Some(value) = value {
                        members.insert(name.to_owned(), value.into());
                    }
                }
            }
            json!({ "read": seen })
        }
        Err(refusal) => json!({ "refuse": refusal.rule().as_str(), "detail": refusal.detail() }),
    })
}
