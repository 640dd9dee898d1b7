//! The tour: a list of requests, each with its expected status.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::reason;
use super::screen::Screen;
use super::stand::Stand;
use super::visit::{Credential, Visit};
use crate::Result;
use crate::client::Answer;

const OBS: &str = "/collections/obs/items";
const LAKES: &str = "/collections/lakes/items";

/// The time limit until an edited policy is in force.
const EDIT_LIMIT: Duration = Duration::from_secs(20);

/// A rule that the tour adds to those of the example.
const OPEN_LAKES: &str = r#"package geowarden.authz

allow if input.ogc.collection == "lakes"
"#;
const BROKEN: &str = "package geowarden.authz\n\nallow if {\n";

/// Sends the requests of the tour, and records every unexpected answer.
#[derive(Debug)]
pub(crate) struct Tour<'a> {
    stand: &'a mut Stand,
    screen: &'a mut Screen,
    visited: usize,
    surprises: Vec<String>,
}

struct Credentials {
    osgeo_key: Credential,
    geobeyond_key: Credential,
    osgeo_token: Credential,
    expired_token: Credential,
    tampered_token: Credential,
}

impl<'a> Tour<'a> {
    pub(crate) fn new(stand: &'a mut Stand, screen: &'a mut Screen) -> Self {
        Self {
            stand,
            screen,
            visited: 0,
            surprises: Vec::new(),
        }
    }

    /// Takes the whole tour, and returns everything that was not as expected.
    pub(crate) async fn take(mut self) -> Result<Vec<String>> {
        let credentials = self.credentials().await?;
        self.api_keys(&credentials).await?;
        self.tokens(&credentials).await?;
        self.without_credential().await?;
        self.ambiguous_paths(&credentials).await?;
        self.policy_edits(&credentials).await?;
        Ok(self.surprises)
    }

    async fn credentials(&self) -> Result<Credentials> {
        let provider = &self.stand.provider;
        let osgeo = provider.client_credentials("osgeo").await?;
        let geobeyond = provider.client_credentials("geobeyond").await?;
        let expired = provider
            .mint(
                &json!({}),
                &json!({"iat": 1_000_000_000, "exp": 1_000_000_600}),
            )
            .await?;
        let tampered = with_claims_of(&geobeyond, &osgeo);
        self.stand.write_shell_names(&[
            ("OSGEO_TOKEN", &osgeo),
            ("EXPIRED_TOKEN", &expired),
            ("TAMPERED_TOKEN", &tampered),
        ])?;
        Ok(Credentials {
            osgeo_key: Credential::Key("OSGEO_KEY", self.stand.key("osgeo")),
            geobeyond_key: Credential::Key("GEOBEYOND_KEY", self.stand.key("geobeyond")),
            osgeo_token: Credential::Token("OSGEO_TOKEN", osgeo),
            expired_token: Credential::Token("EXPIRED_TOKEN", expired),
            tampered_token: Credential::Token("TAMPERED_TOKEN", tampered),
        })
    }

    async fn api_keys(&mut self, credentials: &Credentials) -> Result<()> {
        self.screen.heading("API keys")?;
        self.visit("Without a credential", OBS, &Credential::None, 401)
            .await?;
        let wrong = Credential::Key(
            "OSGEO_KEY-wrong",
            format!("{}-wrong", self.stand.key("osgeo")),
        );
        self.visit("With a wrong key", OBS, &wrong, 401).await?;
        let answer = self
            .visit(
                "osgeo may read its observations",
                OBS,
                &credentials.osgeo_key,
                200,
            )
            .await?;
        self.check_observations(&answer)?;
        self.visit("geobeyond may not", OBS, &credentials.geobeyond_key, 403)
            .await?;
        Ok(())
    }

    async fn tokens(&mut self, credentials: &Credentials) -> Result<()> {
        self.screen.heading("Tokens of the identity provider")?;
        self.visit(
            "The same rule, by a token",
            OBS,
            &credentials.osgeo_token,
            200,
        )
        .await?;
        self.visit("Not its collection", LAKES, &credentials.osgeo_token, 403)
            .await?;
        self.visit("An expired token", OBS, &credentials.expired_token, 401)
            .await?;
        let title = "The claims of osgeo under the signature of geobeyond's token";
        self.visit(title, OBS, &credentials.tampered_token, 401)
            .await?;
        Ok(())
    }

    async fn without_credential(&mut self) -> Result<()> {
        self.screen.heading("What is public")?;
        self.visit("The landing page", "/", &Credential::None, 200)
            .await?;
        self.visit("The OpenAPI document", "/openapi", &Credential::None, 200)
            .await?;
        Ok(())
    }

    async fn ambiguous_paths(&mut self, credentials: &Credentials) -> Result<()> {
        self.screen.heading("Paths that try to be two things")?;
        let key = &credentials.osgeo_key;
        self.visit("Encoded slashes", "/collections%2Fobs%2Fitems", key, 400)
            .await?;
        let title = "Dot segments: judged as what they lead to, the lakes";
        self.visit(title, "/collections/obs/../lakes/items", key, 403)
            .await?;
        Ok(())
    }

    async fn policy_edits(&mut self, credentials: &Credentials) -> Result<()> {
        let key = &credentials.osgeo_key;
        self.screen
            .heading("Editing the policy while it is in force")?;
        self.visit("Before: osgeo may not read the lakes", LAKES, key, 403)
            .await?;

        self.stand.add_policy("open_lakes.rego", OPEN_LAKES)?;
        self.screen
            .line("   + open_lakes.rego: allow if input.ogc.collection == \"lakes\"")?;
        self.visit_until("After: everybody may", LAKES, key, 200)
            .await?;

        self.stand.add_policy("broken.rego", BROKEN)?;
        self.screen
            .line("   + broken.rego, which does not compile")?;
        self.wait_for_reload(true).await?;
        self.visit("Refused whole: the last good policy stays", LAKES, key, 200)
            .await?;
        self.visit(
            "And what was refused stays refused",
            OBS,
            &credentials.geobeyond_key,
            403,
        )
        .await?;

        self.stand.remove_policy("broken.rego")?;
        self.stand.remove_policy("open_lakes.rego")?;
        self.screen.line("   - broken.rego, - open_lakes.rego")?;
        self.wait_for_reload(false).await?;
        self.visit_until("As at the start", LAKES, key, 403).await?;
        Ok(())
    }

    async fn visit(
        &mut self,
        title: &'static str,
        target: &'static str,
        credential: &Credential,
        expected: u16,
    ) -> Result<Answer> {
        let visit = Visit {
            title,
            target,
            credential: credential.clone(),
            expected,
        };
        let answer = visit.ask().send(&self.stand.envoy.address()).await?;
        self.show(&visit, &answer).await?;
        Ok(answer)
    }

    /// Repeats a request until its status is the expected one, since an edited file takes a moment to apply. Too much time is an
    /// error.
    async fn visit_until(
        &mut self,
        title: &'static str,
        target: &'static str,
        credential: &Credential,
        expected: u16,
    ) -> Result<()> {
        let visit = Visit {
            title,
            target,
            credential: credential.clone(),
            expected,
        };
        let limit = Instant::now() + EDIT_LIMIT;
        loop {
            let answer = visit.ask().send(&self.stand.envoy.address()).await?;
            if answer.status() == expected || Instant::now() > limit {
                return self.show(&visit, &answer).await;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_for_reload(&mut self, failed: bool) -> Result<()> {
        let metric = format!("geowarden_reload_failed {}", u8::from(failed));
        let wait = self.stand.geowarden.wait_for_metric(&metric);
        if tokio::time::timeout(EDIT_LIMIT, wait)
            .await
            .is_ok_and(|outcome| outcome.is_ok())
        {
            self.screen.line(&format!("   {metric}"))
        } else {
            self.surprise(&format!(
                "the metric `{metric}` was not shown within {} s",
                EDIT_LIMIT.as_secs()
            ))
        }
    }

    async fn show(&mut self, visit: &Visit, answer: &Answer) -> Result<()> {
        self.visited += 1;
        let why = reason::of(answer, self.stand).await;
        self.screen
            .line(&format!("{:>2} {}", self.visited, visit.title))?;
        self.screen
            .answer(&visit.curl(), answer.status(), visit.expected, &why)?;
        if answer.status() != visit.expected {
            let (number, title) = (self.visited, visit.title);
            let (status, expected) = (answer.status(), visit.expected);
            self.surprises.push(format!(
                "{number} {title}: {status} and not {expected}: {why}"
            ));
        }
        Ok(())
    }

    /// Checks that the answer has pygeoapi's own data: a status of 200 alone does not prove that pygeoapi sent it.
    fn check_observations(&mut self, answer: &Answer) -> Result<()> {
        if answer.status() != 200 {
            return Ok(());
        }
        let body = answer.json()?;
        let number = body
            .get("features")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let station = body
            .pointer("/features/0/properties/station")
            .and_then(Value::as_str)
            .unwrap_or("nothing");
        if number == 5 && station == "bologna" {
            self.screen.line(&format!(
                "   {number} features, the first one from {station}"
            ))
        } else {
            self.surprise(&format!(
                "{number} features instead of 5, the first one from {station}"
            ))
        }
    }

    fn surprise(&mut self, text: &str) -> Result<()> {
        self.screen.surprise(text)?;
        self.surprises.push(format!("{} {text}", self.visited));
        Ok(())
    }
}

/// A token with the claims of another token.
fn with_claims_of(token: &str, other: &str) -> String {
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    match (parts(token).as_slice(), parts(other).as_slice()) {
        ([header, _, signature], [_, claims, _]) => format!("{header}.{claims}.{signature}"),
        _ => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tampered_token_keeps_header_and_signature() {
        assert_eq!(with_claims_of("a.b.c", "x.y.z"), "a.y.c");
    }
}
