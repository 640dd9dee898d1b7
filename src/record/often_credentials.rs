//! Query parameters that often hold a credential, even if the configuration does not name them.

use std::borrow::Cow;

use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Their names (RFC 6750, section 2.3, and what clients of maps send).
pub const CREDENTIAL_PARAMETERS: [&str; 4] = ["access_token", "api_key", "apikey", "token"];

/// Removes, below `value`, members with the name of such a parameter, and texts that have one in a query. Their JSON pointers are
/// added to `erased`.
pub(super) fn erase(value: &mut Value, at: &str, erased: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                erase(item, &format!("{at}/{index}"), erased);
            }
        }
        Value::Object(members) => members.retain(|name, value| {
            let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            let is_kept = !is_name(name) && !has_one(name, value);
            if is_kept {
                erase(value, &place, erased);
            } else {
                erased.push(place);
            }
            is_kept
        }),
        _ => {}
    }
}

fn is_name(name: &str) -> bool {
    CREDENTIAL_PARAMETERS
        .iter()
        .any(|one| one.eq_ignore_ascii_case(name))
}

/// Whether a member is a text with such a parameter. Raw values of headers are base64.
fn has_one(name: &str, value: &Value) -> bool {
    let Value::String(text) = value else {
        return false;
    };
    let decoded = match name {
        "rawValue" | "rawBody" => BASE64.decode(text.as_bytes()).ok(),
        _ => None,
    };
    let text = decoded
        .as_deref()
        .map_or(Cow::Borrowed(text.as_str()), String::from_utf8_lossy);
    text.split(['?', '&', '#', ';', ' ']).any(|part| {
        let parameter = part.split_once('=');
        parameter.is_some_and(|(name, _)| is_name(&percent_decode_str(name).decode_utf8_lossy()))
    })
}
