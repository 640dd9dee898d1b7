//! The policy by role, with the collections and processes that there are, and its tests.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};

use super::guarded::Guarded;

/// The files of the policy.
pub(super) fn by_role(guarded: &Guarded) -> Vec<(&'static str, String)> {
    vec![
        (
            "authz.rego",
            include_str!("../../../policies/default/authz.rego").to_owned(),
        ),
        ("data.yaml", roles(guarded)),
        ("authz_test.rego", tests(guarded)),
    ]
}

fn roles(guarded: &Guarded) -> String {
    let mut text = format!(
        "# What each role may do. Every caller has the role `anonymous`; whoever sent a valid credential also has
# `authenticated`. The ids are those of {file}.
#
#   read, write, execute   ids of collections and processes
#   all                    what the role may do everywhere, but for the administration: read, write, execute
#   lists: true            the lists of collections and processes, and tile matrix sets
#   admin                  what the role may do to pygeoapi's /admin, which shows passwords: read, write
roles:
  # `read: [ID]` here makes a collection public: then name it in `public` of authz_test.rego too.
  anonymous: {{}}
  authenticated:
    lists: true
  reader:
    read: {all}
",
        file = name_of(&guarded.file),
        all = list(&guarded.collections),
    );
    if !guarded.editable.is_empty() {
        let _ = write!(
            text,
            "  editor:\n    read: {}\n    write: {}\n",
            list(&guarded.collections),
            list(&guarded.editable)
        );
    }
    if !guarded.processes.is_empty() {
        let _ = write!(
            text,
            "  operator:\n    read: {all}\n    execute: {all}\n",
            all = list(&guarded.processes)
        );
    }
    text.push_str("  admin:\n    all: [read, write, execute]\n");
    text
}

fn tests(guarded: &Guarded) -> String {
    let set = |ids: &[String]| match ids {
        [] => "set()".to_owned(),
        ids => {
            let ids: Vec<String> = ids.iter().map(|id| json!(id).to_string()).collect();
            format!("{{{}}}", ids.join(", "))
        }
    };
    let (collections, editable) = (set(&guarded.collections), set(&guarded.editable));
    let processes = set(&guarded.processes);
    format!(
        r#"# Run by `geowarden test`. The ids are those of {file}. These sets say what data.yaml is meant to say, so that a typing
# error there is found: change both.
package geowarden.authz_test

import data.geowarden.authz
import rego.v1

# Every collection.
collections := {collections}

# Those that everybody may read.
public := set()

# Those that the role `reader` may read.
readable := collections

# Those that the role `editor` may write.
editable := {editable}

# The processes that the role `operator` may run.
processes := {processes}

anonymous := {{"method": "anonymous", "claims": {{}}, "attributes": {{}}}}

key_of(role) := {{"method": "api_key", "claims": {{}}, "attributes": {{"roles": [role]}}}}

token_of(role) := {{"method": "jwt", "claims": {{"roles": [role]}}, "attributes": {{}}}}

items(id, action) := {{"api": "collections", "operation": "items", "action": action, "collection": id}}

job(id) := {{"api": "execute", "operation": "execute", "action": "execute", "process": id}}

asks(identity, ogc) := {{"identity": identity, "ogc": ogc}}

test_public_pages_need_no_credential if {{
	every api in {{"landing", "openapi", "asyncapi", "conformance", "static", "schemas"}} {{
		authz.allow with input as asks(anonymous, {{"api": api, "operation": api, "action": "read"}})
	}}
}}

test_everybody_reads_public_collections if {{
	every id in public {{
		authz.allow with input as asks(anonymous, items(id, "read"))
	}}
}}

test_a_reader_reads_what_is_readable if {{
	every id in readable {{
		authz.allow with input as asks(key_of("reader"), items(id, "read"))
		authz.allow with input as asks(token_of("reader"), items(id, "read"))
	}}
	every id in (collections - readable) - public {{
		not authz.allow with input as asks(key_of("reader"), items(id, "read"))
	}}
}}

test_nobody_else_reads_one if {{
	every id in collections - public {{
		not authz.allow with input as asks(anonymous, items(id, "read"))
		not authz.allow with input as asks(key_of("stranger"), items(id, "read"))
	}}
}}

test_a_reader_writes_nothing_and_runs_nothing if {{
	every id in collections {{
		every action in {{"create", "replace", "update", "delete"}} {{
			not authz.allow with input as asks(key_of("reader"), items(id, action))
		}}
	}}
	every id in processes {{
		not authz.allow with input as asks(key_of("reader"), job(id))
	}}
}}

test_an_editor_writes_what_can_be_edited if {{
	every id in editable {{
		authz.allow with input as asks(key_of("editor"), items(id, "replace"))
	}}
	every id in collections - editable {{
		not authz.allow with input as asks(key_of("editor"), items(id, "replace"))
	}}
}}

test_an_operator_runs_these_processes if {{
	every id in processes {{
		authz.allow with input as asks(key_of("operator"), job(id))
		not authz.allow with input as asks(anonymous, job(id))
	}}
}}

# A role that names what is not there opens nothing: most likely a typing error.
test_roles_name_only_what_there_is if {{
	every rights in data.roles {{
		every access in {{"read", "write", "execute"}} {{
			every id in object.get(rights, access, []) {{
				id in collections | processes
			}}
		}}
	}}
}}
"#,
        file = name_of(&guarded.file),
    )
}

fn list(ids: &[String]) -> Value {
    json!(ids)
}

fn name_of(file: &Path) -> std::borrow::Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}
