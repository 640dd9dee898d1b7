//! A server that answers exactly as Keycloak does for a realm (`tests/tools/provider/keycloak.mjs`).

use serde_json::{Value, json};

use crate::client::Ask;
use crate::process::{Plan, Process};
use crate::provider::{port_in, test_endpoint, text_member};
use crate::{Result, Tools};

/// The realm `maps` with two service accounts. `reader` has the role `reader` of the realm, and `stranger` has a role of the same
/// name of a client only. Their access tokens are for the audience `pygeoapi`.
#[derive(Debug)]
pub struct Keycloak {
    _process: Process,
    address: String,
}

impl Keycloak {
    /// Starts it on a port that the system chooses.
    pub async fn start(tools: &Tools) -> Result<Self> {
        let script = tools.repository().join("tests/tools/provider/keycloak.mjs");
        let mut process = Plan::new("Keycloak's shape", &tools.node()?)?
            .arg(script)
            .start()?;
        let port = process
            .until("said where it listens", async |process| {
                port_in(&process.log())
            })
            .await?;
        Ok(Self {
            _process: process,
            address: format!("127.0.0.1:{port}"),
        })
    }

    /// The realm's issuer: `http://127.0.0.1:PORT/realms/maps`.
    pub fn issuer(&self) -> String {
        format!("http://{}/realms/maps", self.address)
    }

    /// An access token for a service account.
    pub async fn client_credentials(&self, client: &str) -> Result<String> {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={client}-secret"
        );
        let answer = Ask::new("POST", "/realms/maps/protocol/openid-connect/token")
            .body("application/x-www-form-urlencoded", form)
            .send(&self.address)
            .await?;
        text_member(&answer, "access_token")
    }

    /// Its key set.
    pub async fn key_set(&self) -> Result<Value> {
        let ask = Ask::get("/realms/maps/protocol/openid-connect/certs");
        ask.send(&self.address).await?.json()
    }

    /// A token of `reader`, merged with `header` and `claims`. A null removes a member.
    pub async fn mint(&self, header: &Value, claims: &Value) -> Result<String> {
        let wanted = json!({"header": header, "claims": claims});
        test_endpoint(&self.address, "mint", &wanted, "token").await
    }

    /// Makes it sign with a new key from now on, and returns the id of that key. It still publishes the old key.
    pub async fn rotate(&self) -> Result<String> {
        test_endpoint(&self.address, "rotate", &json!({}), "kid").await
    }

    /// Makes its discovery document name another issuer, as with a wrong host name.
    pub async fn claim_to_be(&self, issuer: &str) -> Result<String> {
        test_endpoint(&self.address, "claim", &json!({"issuer": issuer}), "issuer").await
    }
}
