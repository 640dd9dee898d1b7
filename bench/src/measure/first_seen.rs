//! The cost of a JWT that is seen for the first time, compared with the check of its signature alone.

use std::{sync::Arc, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use geowarden::{
    authn::{
        Algorithm, Audiences, Chain, ChainSettings, IssuerSettings, KeySet, KeySource, SystemClock,
    },
    request::CheckInput,
};

use super::{Aim, Entry, Figure, Stand};
use crate::{
    Error, Result,
    cpu::of_this_thread,
    load::per,
    tokens::{AUDIENCE, ISSUER, Issuer},
};

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let es256 = Issuer::es256()?;
    let mut entries = Vec::new();
    for (name, issuer) in [("RS256", &stand.issuer), ("ES256", &es256)] {
        let token = issuer.token()?;
        let (chain, asked) = (chain(issuer)?, asked(&token));
        let (mut measured, mut reference) = (Vec::new(), Vec::new());
        for _ in 0..stand.effort.rounds {
            reference.push(bare(issuer, &token, stand.effort.time / 4)?);
            measured.push(whole(&chain, &asked, stand.effort.time / 4).await?);
        }
        entries.push(Entry::Figure(Figure {
            measure: format!("a JWT seen for the first time, {name}"),
            unit: "µs".to_owned(),
            measured,
            against: "bare signature check".to_owned(),
            reference,
            aim: Aim::AtMostTimes(1.3),
        }));
    }
    Ok(entries)
}

fn chain(issuer: &Issuer) -> Result<Chain> {
    let failed = |e: &dyn std::fmt::Display| Error::unexpected("the chain of authentication", e);
    let settings = IssuerSettings {
        algorithms: Algorithm::ALL.to_vec(),
        ..IssuerSettings::new(ISSUER, Audiences::OneOf(vec![AUDIENCE.to_owned()]))
    };
    let keys = KeySet::parse(issuer.jwks().as_bytes()).map_err(|e| failed(&e))?;
    let settings = ChainSettings {
        issuers: vec![(settings, KeySource::fixed(ISSUER, keys))],
        // No token is remembered, so each request is the first with its token.
        remembered_tokens: 0,
        ..ChainSettings::default()
    };
    Chain::new(settings, Arc::new(SystemClock)).map_err(|e| failed(&e))
}

fn asked(token: &str) -> CheckInput {
    let bearer = format!("Bearer {token}");
    let all = [
        ("host", "maps.example.org"),
        ("accept", "application/geo+json"),
        ("authorization", bearer.as_str()),
    ];
    CheckInput {
        headers: all.into_iter().collect(),
        ..CheckInput::default()
    }
}

/// Measures the CPU time of one pass in microseconds, until `time` is over.
struct Stopwatch {
    start: Duration,
    time: Duration,
    count: u64,
}

const AT_ONCE: u64 = 100;

impl Stopwatch {
    fn start(time: Duration) -> Result<Self> {
        Ok(Self {
            start: of_this_thread()?,
            time,
            count: 0,
        })
    }

    /// Counts another [`AT_ONCE`] passes. Returns the figure when the time is over.
    fn lap(&mut self) -> Result<Option<f64>> {
        self.count += AT_ONCE;
        let spent = of_this_thread()?.saturating_sub(self.start);
        Ok((spent >= self.time).then(|| spent.as_secs_f64() * 1e6 / per(self.count)))
    }
}

/// Measures the check of the signature alone.
fn bare(issuer: &Issuer, token: &str, time: Duration) -> Result<f64> {
    let failed = |e: &dyn std::fmt::Display| Error::unexpected("the bare signature", e);
    let (message, signature) = token.rsplit_once('.').ok_or_else(|| failed(&"no JWT"))?;
    let signature = BASE64URL_NOPAD
        .decode(signature.as_bytes())
        .map_err(|e| failed(&e))?;
    let mut watch = Stopwatch::start(time)?;
    loop {
        for _ in 0..AT_ONCE {
            issuer
                .public
                .verify_sig(std::hint::black_box(message.as_bytes()), &signature)
                .map_err(|e| failed(&e))?;
        }
        if let Some(figure) = watch.lap()? {
            return Ok(figure);
        }
    }
}

/// Measures the whole way from the request to the caller's identity.
async fn whole(chain: &Chain, asked: &CheckInput, time: Duration) -> Result<f64> {
    let mut watch = Stopwatch::start(time)?;
    loop {
        for _ in 0..AT_ONCE {
            chain
                .authenticate(std::hint::black_box(asked))
                .await
                .map_err(|refusal| Error::unexpected("a token", refusal.detail()))?;
        }
        if let Some(figure) = watch.lap()? {
            return Ok(figure);
        }
    }
}
