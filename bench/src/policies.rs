//! Writes policies over many collections, in the styles in which authors write them.

use std::{fmt::Write as _, fs, path::Path};

use crate::{Error, Result};

/// How a policy says who may read which collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One rule that looks up data.
    Data,
    /// For each collection, one member of a set: `may_read contains "c1" if ..`.
    Nested,
    /// For each collection, one `allow if`.
    Flat,
}

impl Style {
    /// All styles.
    pub const ALL: [Self; 3] = [Self::Data, Self::Nested, Self::Flat];

    /// The name of the style in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data look-up",
            Self::Nested => "rules nested by collection",
            Self::Flat => "flat rules",
        }
    }
}

const HEAD: &str = "package geowarden.authz\n\nimport rego.v1\n\ndefault allow := false\n\n";

/// The id of a collection.
pub fn collection(number: usize) -> String {
    format!("c{number:05}")
}

/// Writes a policy of this style over this number of collections into a folder.
///
/// The role `reader` may read collections with an even number, and `editor` the others.
pub fn write(folder: &Path, style: Style, collections: usize) -> Result<()> {
    let role = |number: usize| {
        if number.is_multiple_of(2) {
            "reader"
        } else {
            "editor"
        }
    };
    let mut rego = HEAD.to_owned();
    let mut data = None;
    let all = (0..collections).map(|number| (collection(number), role(number)));
    // Writing to a string cannot fail.
    match style {
        Style::Data => {
            rego.push_str(
                "allow if {\n\tsome role in data.readers[input.ogc.collection]\n\trole in input.identity.attributes.roles\n}\n",
            );
            let readers: serde_json::Map<String, serde_json::Value> = all
                .map(|(id, role)| (id, serde_json::json!([role])))
                .collect();
            data = Some(serde_json::json!({ "readers": readers }).to_string());
        }
        Style::Nested => {
            rego.push_str("allow if input.ogc.collection in may_read\n\n");
            for (id, role) in all {
                let _ = writeln!(
                    rego,
                    "may_read contains \"{id}\" if \"{role}\" in input.identity.attributes.roles\n"
                );
            }
        }
        Style::Flat => {
            for (id, role) in all {
                let _ = writeln!(
                    rego,
                    "allow if {{\n\tinput.ogc.collection == \"{id}\"\n\t\"{role}\" in input.identity.attributes.roles\n}}\n"
                );
            }
        }
    }
    let put = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).map_err(Error::io(format!("writing {}", file.display())))
    };
    put("authz.rego", &rego)?;
    data.map_or(Ok(()), |data| put("data.json", &data))
}
