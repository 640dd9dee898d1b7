//! Measures how long clients without a credential can make others wait, through a real Envoy. Many connections send the most
//! costly request that needs no credential. The reference is the same number of connections with a short request.

use std::{
    cell::Cell,
    fmt::Write as _,
    rc::Rc,
    time::{Duration, Instant},
};

use geowarden_stack::{Envoy, EnvoyConfig, GrpcAddress, Tools};
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use super::{Aim, Entry, Figure, Stand, envoy::ANSWERED, http::Client};
use crate::{
    Error, Result,
    authorizer::Place,
    load::micros,
    request::HttpAsk,
    setup::{self, Choice, TARGET},
};

/// The number of connections without a credential.
const CONNECTIONS: usize = 64;
/// Envoy's time limit, which the measure raises: a long wait must count as a latency and not as a refusal.
const LIMIT: &str = "# reason and a log line.\n                        timeout: 1s";
/// The number of parameters. geowarden accepts at most 256, and 8,000 bytes of path and query.
const PARAMETERS: usize = 250;

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let tools = Tools::find()?;
    if let Err(missing) = tools.envoy() {
        return Ok(vec![Entry::NotMeasured {
            measure: "another client beside strangers".to_owned(),
            why: missing.to_string(),
        }]);
    }
    let geowarden = stand
        .programs
        .geowarden(&Choice::default(), Place::Pinned)
        .await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let config = EnvoyConfig::new(&template, 1, &GrpcAddress::Port(geowarden.port()))
        .replace(EnvoyConfig::route_of(&template)?, ANSWERED)
        .replace(LIMIT, LIMIT.replace("1s", "30s"));
    let envoy = Envoy::start(&tools, &config).await?;
    let short = HttpAsk::of_a_browser("/collections/obs/items", &[]);
    let costly = HttpAsk::of_a_browser(&many_parameters(), &[]);
    let other = setup::with_key(TARGET);
    let mut figures = [const { (Vec::new(), Vec::new()) }; 2];
    for round in 0..stand.effort.rounds {
        let mut both = [(&costly, true), (&short, false)];
        if round % 2 == 1 {
            both.reverse();
        }
        for (stranger, is_costly) in both {
            let latencies = beside(&envoy.address(), stranger, &other, stand.effort.time).await?;
            for ((measured, reference), share) in figures.iter_mut().zip([0.5, 0.99]) {
                let into = if is_costly { measured } else { reference };
                into.push(micros(latencies.value_at_quantile(share)));
            }
        }
    }
    let named = [("p50", Aim::Told), ("p99", Aim::AtMostTimes(2.0))];
    let rows = named.into_iter().zip(figures);
    Ok(rows
        .map(|((name, aim), (measured, reference))| {
            Entry::Figure(Figure {
                measure: format!(
                    "another client through Envoy beside {CONNECTIONS} strangers with the costliest query, {name}"
                ),
                unit: "µs".to_owned(),
                measured,
                against: "beside as many with a short one".to_owned(),
                reference,
                aim,
            })
        })
        .collect())
}

/// A target with many parameters, almost as long as allowed. Each name is percent-encoded, so geowarden must decode it.
fn many_parameters() -> String {
    let mut path = String::from("/collections/obs/items?f=json");
    for number in 0..PARAMETERS {
        path.push('&');
        for digit in format!("{number:010}").bytes() {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{digit:02X}");
        }
    }
    path
}

/// The latencies of one client, while the other connections send requests as fast as they get answers.
async fn beside(
    address: &str,
    stranger: &HttpAsk,
    other: &HttpAsk,
    time: Duration,
) -> Result<Histogram<u64>> {
    let mut strangers = Vec::new();
    let mut expected = String::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(address, stranger).await?;
        expected = client.ask().await.map_err(Error::io("asking Envoy"))?;
        strangers.push(client);
    }
    // Another status would mean that geowarden refused the request before it had read all of it.
    if expected != "401" {
        return Err(Error::unexpected(
            "a stranger's answer",
            format!("expected status 401, found {expected}"),
        ));
    }
    let mut other = Client::connect(address, other).await?;
    let goes_on = Rc::new(Cell::new(true));
    let tasks = LocalSet::new();
    let mut crowd = Vec::new();
    for mut client in strangers {
        let (goes_on, expected) = (Rc::clone(&goes_on), expected.clone());
        let asking = async move { client.latencies(|| goes_on.get(), &expected).await };
        crowd.push(tasks.spawn_local(asking));
    }
    tasks
        .run_until(async {
            let begin = Instant::now();
            let latencies = other.latencies(|| begin.elapsed() < time, "200").await;
            goes_on.set(false);
            for client in crowd {
                let ended = client
                    .await
                    .map_err(|e| Error::unexpected("a stranger", e))?;
                ended?;
            }
            latencies
        })
        .await
}
