//! One request of the tour, and the same request as a curl command.

use crate::client::Ask;

/// The header of API keys, here and in the demo's configuration.
pub(crate) const KEY_HEADER: &str = "x-api-key";

/// A credential, and the shell variable with it in the curl command.
#[derive(Debug, Clone, Default)]
pub(crate) enum Credential {
    #[default]
    None,
    Key(&'static str, String),
    Token(&'static str, String),
}

/// A request of the tour, and its expected status.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) title: &'static str,
    pub(crate) target: &'static str,
    pub(crate) credential: Credential,
    pub(crate) expected: u16,
}

impl Visit {
    pub(crate) fn ask(&self) -> Ask {
        let ask = Ask::get(self.target);
        match &self.credential {
            Credential::None => ask,
            Credential::Key(_, key) => ask.header(KEY_HEADER, key),
            Credential::Token(_, token) => ask.bearer(token),
        }
    }

    /// The curl command that sends the same request.
    pub(crate) fn curl(&self) -> String {
        let credential = match &self.credential {
            Credential::None => String::new(),
            Credential::Key(name, _) => format!("-H \"{KEY_HEADER}: ${name}\" "),
            Credential::Token(name, _) => format!("-H \"Authorization: Bearer ${name}\" "),
        };
        // Without `--path-as-is`, curl resolves dot segments itself.
        let as_is = if self.target.contains("/../") {
            "--path-as-is "
        } else {
            ""
        };
        format!("curl -i {as_is}{credential}$GEOAPI{}", self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curl_line_names_the_credential_and_does_not_show_it() {
        let credential = Credential::Key("OSGEO_KEY", "gw_secret".to_owned());
        let visit = Visit {
            title: "",
            target: "/a/../b",
            credential,
            expected: 200,
        };
        assert_eq!(
            visit.curl(),
            "curl -i --path-as-is -H \"x-api-key: $OSGEO_KEY\" $GEOAPI/a/../b"
        );
    }
}
