//! Login in a browser: what Envoy's oauth2 filter needs to know of the issuer.

use std::fs;

use aws_lc_rs::rand;
use data_encoding::BASE64;
use serde_json::{Value, json};
use url::Url;

use super::{
    super::{CommandError, running::runtime},
    Init,
    template::Template,
};
use crate::authn::{FetchSettings, Fetcher, metadata};

/// The cluster of the issuer, to the end of the shipped bootstrap's: TLS, which an issuer on loopback does not have.
const TLS_BEGINS: &str = "      transport_socket:\n        name: envoy.transport_sockets.tls\n";

/// A client at an issuer.
pub(super) struct Login {
    client_id: String,
    client_secret: String,
    authorization: Url,
    token: Url,
    end_session: Option<Url>,
    scopes: Vec<String>,
    /// The API that the token is for (RFC 8707): an absolute URI.
    resource: Option<String>,
}

impl Login {
    /// Asks the issuer for its endpoints.
    pub(super) fn find(init: &Init) -> Result<Self, CommandError> {
        let (Some(issuer), Some(client_id), Some(file)) =
            (&init.issuer, &init.client_id, &init.client_secret_file)
        else {
            return Err(CommandError::Usage(
                "expected --issuer, --client-id and --client-secret-file".to_owned(),
            ));
        };
        let secret = fs::read_to_string(file).map_err(|error| {
            CommandError::Usage(format!("--client-secret-file: {}: {error}", file.display()))
        })?;
        let fault = |error: String| CommandError::Failed(format!("--issuer {issuer}: {error}"));
        let fetcher = Fetcher::new(&FetchSettings::default()).map_err(|e| fault(e.to_string()))?;
        let metadata = runtime()?
            .block_on(metadata(&fetcher, issuer))
            .map_err(|error| fault(error.to_string()))?;
        let endpoint = |name| metadata.endpoint(name).map_err(|e| fault(e.to_string()));
        Ok(Self {
            client_id: client_id.clone(),
            client_secret: secret.trim().to_owned(),
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            end_session: endpoint("end_session_endpoint").ok(),
            scopes: init.scopes.clone(),
            resource: init
                .audiences
                .iter()
                .find(|audience| Url::parse(audience).is_ok())
                .cloned(),
        })
    }

    /// Puts the issuer in the place of the example.
    pub(super) fn adapt(&self, text: &mut Template) -> Result<(), CommandError> {
        let mut authorization = self.authorization.clone();
        authorization
            .query_pairs_mut()
            .append_pair("prompt", "consent");
        text.replace(
            "authorization_endpoint: https://idp.example/auth?prompt=consent",
            &format!("authorization_endpoint: {}", json!(authorization.as_str())),
        )?;
        text.replace(
            "uri: https://idp.example/token",
            &format!("uri: {}", json!(self.token.as_str())),
        )?;
        let end_session =
            "                        end_session_endpoint: https://idp.example/session/end\n";
        let own = self.end_session.as_ref().map_or_else(String::new, |url| {
            format!(
                "                        end_session_endpoint: {}\n",
                json!(url.as_str())
            )
        });
        text.replace(end_session, &own)?;
        text.replace(
            "client_id: pygeoapi-browser",
            &format!("client_id: {}", json!(self.client_id)),
        )?;
        let scopes: Vec<&str> = ["openid", "offline_access"]
            .into_iter()
            .chain(self.scopes.iter().map(String::as_str))
            .collect();
        text.replace(
            "auth_scopes: [openid, offline_access]",
            &format!("auth_scopes: {}", json!(scopes)),
        )?;
        let resources: Vec<&String> = self.resource.iter().collect();
        text.replace(
            "resources: [\"https://maps.example.org\"]",
            &format!("resources: {}", json!(resources)),
        )?;
        self.lead_to_issuer(text)
    }

    fn lead_to_issuer(&self, text: &mut Template) -> Result<(), CommandError> {
        let host = self.token.host_str().unwrap_or_default();
        let port = self.token.port_or_known_default().unwrap_or(443);
        text.replace(
            "socket_address: {address: idp.example, port_value: 443}",
            &format!(
                "socket_address: {{address: {}, port_value: {port}}}",
                json!(host)
            ),
        )?;
        if self.token.scheme() == "https" {
            text.replace("sni: idp.example", &format!("sni: {}", json!(host)))?;
            return text.replace("exact: idp.example", &format!("exact: {}", json!(host)));
        }
        // On loopback, as the fetch of the metadata has made sure.
        let from = text.0.find(TLS_BEGINS).filter(|from| {
            let rest = text.0.get(*from..).unwrap_or_default();
            rest.contains("sni: idp.example")
        });
        let Some(from) = from else {
            return Err(CommandError::Failed(
                "the bootstrap of Envoy in this program: expected a cluster of the issuer with TLS, found none".to_owned(),
            ));
        };
        let rest = text.0.get(from..).unwrap_or_default();
        let end = rest.find("\n\n").map_or(text.0.len(), |end| from + end + 1);
        text.0.replace_range(from..end, "");
        Ok(())
    }

    /// The client's secret and the key of the cookies, as Envoy reads them (SDS).
    pub(super) fn secrets(&self) -> Result<Vec<(String, String)>, CommandError> {
        let mut key = [0_u8; 32];
        rand::fill(&mut key)
            .map_err(|_| CommandError::Failed("the system gives no random bytes".to_owned()))?;
        let secret = |name: &str, secret: &str| {
            let text: Value = json!(secret);
            let text = format!(
                "resources:\n  - \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n    name: {name}\n    generic_secret: {{secret: {{inline_string: {text}}}}}\n"
            );
            (format!("oauth2/{name}.yaml"), text)
        };
        Ok(vec![
            secret("token", &self.client_secret),
            secret("hmac", &BASE64.encode(&key)),
        ])
    }
}
