//! Attacks on JSON Web Tokens, through Envoy: each is refused with 401, and no log or answer contains a part of the token.

use std::{io::ErrorKind, net::TcpListener};

use geowarden_stack::{Provider, Tools};
use serde_json::{Value, json};

use crate::stage::{Outcome, Stage, issuer, items_by_token};
use crate::tokens::now;

/// Only parts of tokens of at least this length are searched for in logs. Shorter ones are there by chance.
const TELLING: usize = 16;

struct Attacks {
    provider: Provider,
    /// A second trusted issuer. It is only trusted for its own tokens.
    other: Provider,
    tokens: Vec<(String, String)>,
}

impl Attacks {
    /// Tries a token that is signed by the provider's key.
    async fn signed(&mut self, name: &str, header: Value, claims: Value) -> Outcome {
        let token = self.provider.mint(&header, &claims).await?;
        self.add(name, token);
        Ok(())
    }

    /// Tries a token that names the provider and is signed by somebody else.
    async fn forged(&mut self, name: &str, header: Value) -> Outcome {
        let claims = json!({"iss": self.provider.issuer()});
        let token = self.other.mint(&header, &claims).await?;
        self.add(name, token);
        Ok(())
    }

    /// Tries a token that is signed with the provider's public key, or not signed.
    async fn without_key(&mut self, name: &str, signer: &str, header: Value) -> Outcome {
        let token = self.provider.mint_as(signer, &header, &json!({})).await?;
        self.add(name, token);
        Ok(())
    }

    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.tokens.push((name.into(), token.into()));
    }

    async fn collect(&mut self, elsewhere: &str) -> Outcome {
        let kid = self.provider.public_key().await?["kid"].clone();
        let own = self.other.public_key().await?;
        let own_kid = own["kid"].clone();
        for none in [
            "none",
            "None",
            "NONE",
            "nOnE",
            "none ",
            " none",
            "non\u{435}",
            "",
        ] {
            let header = json!({"alg": none});
            self.without_key(&format!("alg `{none}`"), "nobody", header.clone())
                .await?;
            self.signed(&format!("alg `{none}`, signed"), header, json!({}))
                .await?;
        }
        for alg in ["HS256", "HS384", "HS512", "RS256"] {
            let name = format!("{alg} with the public key as its secret");
            self.without_key(&name, "public key", json!({"alg": alg}))
                .await?;
        }
        let curve = json!({"alg": "ES256"});
        self.without_key("ES256 of another curve", "key of another curve", curve)
            .await?;

        self.forged("its own key", json!({"jwk": own, "kid": null}))
            .await?;
        self.forged("its own key as ours", json!({"jwk": own, "kid": kid}))
            .await?;
        for member in ["jku", "x5u"] {
            let header = json!({member: elsewhere, "kid": own_kid});
            self.forged(&format!("its own key at a {member}"), header)
                .await?;
            let header = json!({member: elsewhere, "kid": kid});
            self.forged(&format!("{member}, as ours"), header).await?;
        }
        self.forged("kid of the other issuer", json!({})).await?;
        self.forged("our kid, key of the other issuer", json!({"kid": kid}))
            .await?;
        for kid in [
            "../../../../../../dev/null",
            "/proc/sys/kernel/randomize_va_space",
            "x' UNION SELECT 'known-secret' --",
            "\"; DROP TABLE keys; --",
            "kid\u{0}\r\nx-injected: true",
            "$(touch /tmp/geowarden-kid)",
        ] {
            let name = format!("kid `{}`", kid.escape_debug());
            self.signed(&name, json!({"kid": kid}), json!({})).await?;
        }

        self.signed("critical", json!({"crit": ["exp"]}), json!({}))
            .await?;
        self.signed(
            "critical unknown",
            json!({"crit": ["x"], "x": 1}),
            json!({}),
        )
        .await?;
        self.signed("not encoded", json!({"b64": false}), json!({}))
            .await?;
        let good = self.provider.mint(&json!({}), &json!({})).await?;
        let nested = json!(good);
        self.signed("a token in a token", json!({"cty": "JWT"}), nested.clone())
            .await?;
        self.signed("a hidden token in a token", json!({}), nested)
            .await?;
        self.signed("says to be nested", json!({"cty": "JWT"}), json!({}))
            .await?;

        let iss = self.provider.issuer();
        let (time, kid) = (now()?, kid.as_str().unwrap_or_default().to_owned());
        let twice = format!(
            r#"{{"iss":"{iss}","aud":"other","aud":"pygeoapi","sub":"s","company":"osgeo","exp":{}}}"#,
            time + 300
        );
        self.signed("a claim twice", json!({}), json!(twice))
            .await?;
        let header = format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#);
        self.signed("alg twice", json!(header), json!({})).await?;
        let behind = format!(
            r#"{{"iss":"{iss}","aud":"pygeoapi","sub":"s","exp":{}}}{{}}"#,
            time + 300
        );
        self.signed("data behind the claims", json!({}), json!(behind))
            .await?;
        let large = json!({"x": "a".repeat(15_000)});
        self.signed("huge", json!({}), large).await?;

        self.signed("over", json!({}), json!({"exp": time - 1}))
            .await?;
        self.signed("not yet", json!({}), json!({"nbf": time + 3600}))
            .await?;
        self.signed("from the future", json!({}), json!({"iat": time + 3600}))
            .await?;
        self.signed("never over", json!({}), json!({"exp": null}))
            .await?;
        self.bytes(&good);
        Ok(())
    }

    /// Tries a valid token with changed bytes.
    fn bytes(&mut self, good: &str) {
        let mut parts = good.split('.');
        let mut part = || parts.next().unwrap_or_default();
        let (header, claims, signature) = (part(), part(), part());
        for cut in [1, 2, 3, 4, signature.len()] {
            self.add(format!("{cut} cut off"), &good[..good.len() - cut]);
        }
        for (name, token) in [
            ("no signature", format!("{header}.{claims}")),
            ("padded", format!("{good}==")),
            ("padded claims", format!("{header}.{claims}=.{signature}")),
            ("padded header", format!("{header}==.{claims}.{signature}")),
            ("more signature", format!("{good}AAAA")),
            ("more parts", format!("{good}.{signature}")),
            ("encrypted", format!("{header}..{claims}.{signature}.AAAA")),
            ("other alphabet", format!("{header}.{claims}.+/{signature}")),
            ("another behind", format!("{good},{good}")),
            ("text behind", format!("{good} x")),
        ] {
            self.add(name, token);
        }
    }
}

#[tokio::test]
async fn every_attack_is_refused_and_none_is_logged() -> Outcome {
    let tools = Tools::find()?;
    let (provider, other) = (
        Provider::start(&tools).await?,
        Provider::start(&tools).await?,
    );
    let issuers = format!(
        "{}, {}",
        issuer(&provider.issuer()).replace("[RS256]", "[RS256, ES256]"),
        issuer(&other.issuer())
    );
    let mut stage = Stage::new("envoy/jwt.yaml", "127.0.0.1:0", &issuers).await?;
    // geowarden must not fetch keys from an address in a token.
    let trap = TcpListener::bind("127.0.0.1:0")?;
    trap.set_nonblocking(true)?;
    let elsewhere = format!("http://{}/jwks", trap.local_addr()?);
    let mut attacks = Attacks {
        provider,
        other,
        tokens: Vec::new(),
    };
    attacks.collect(&elsewhere).await?;
    // Without an attack, the tokens are valid.
    for provider in [&attacks.provider, &attacks.other] {
        let good = provider.mint(&json!({}), &json!({})).await?;
        assert_eq!(stage.status(items_by_token("obs", &good)).await?.0, 200);
    }

    let mut emitted = String::new();
    for (name, token) in &attacks.tokens {
        let answer = stage.ask(items_by_token("obs", token)).await?;
        assert_eq!(answer.status(), 401, "{name}: {}", answer.text());
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(
            challenge.contains("error=\"invalid_token\""),
            "{name}: {challenge}"
        );
        emitted.push_str(challenge);
        emitted.push_str(&answer.text());
    }
    assert_eq!(
        trap.accept().err().map(|error| error.kind()),
        Some(ErrorKind::WouldBlock)
    );

    // Larger than Envoy's limit for headers.
    let huge = "a".repeat(40_000);
    assert_eq!(stage.ask(items_by_token("obs", &huge)).await?.status(), 431);

    let asked = attacks.tokens.len() + 3;
    stage
        .envoy
        .access_log_line(|line| line["status"] == 431)
        .await?;
    assert_eq!(stage.envoy.access_log().len(), asked);
    emitted.push_str(&stage.envoy.log());
    // The last line is about the large token, which Envoy itself refused.
    let last = stage.envoy.access_log().into_iter().rev();
    let last = last
        .map(|line| line["decision_id"].clone())
        .find(Value::is_string);
    stage
        .geowarden()?
        .event(|event| Some(&event["decision_id"]) == last.as_ref())
        .await?;
    emitted.push_str(&stage.geowarden()?.log());
    let refused = emitted.matches("invalid_token").count();
    assert!(refused >= attacks.tokens.len(), "{refused}");
    for (name, token) in &attacks.tokens {
        for part in token.split(['.', ',', ' ', '=']) {
            for piece in [
                part.get(..TELLING),
                part.get(part.len().saturating_sub(TELLING)..),
            ] {
                let is_there =
                    piece.is_some_and(|piece| piece.len() == TELLING && emitted.contains(piece));
                assert!(!is_there, "{name}: {piece:?} was emitted");
            }
        }
    }
    for told in ["/dev/null", "UNION", "DROP TABLE", "x-injected", &elsewhere] {
        assert!(!emitted.contains(told), "{told} was emitted");
    }
    Ok(())
}
