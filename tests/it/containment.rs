//! No policy that an author saves ends or stalls the service, and no evaluation delays the others.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tonic::transport::Channel;

use crate::service::{Answer, OSGEO_KEY, Service, config, folder, request};

const GOOD: &str = "package geowarden.authz\n\nallow := true\n";

/// A service that tries policies with the real program.
async fn service(policy: &str, more: &str) -> Service {
    let folder = folder(policy, more);
    let mut config = config(folder.path());
    config.program = Some(Path::new(env!("CARGO_BIN_EXE_geowarden")).to_path_buf());
    config.policy.load_timeout.0 = Duration::from_secs(3);
    Service::start(folder, config).await
}

async fn status(client: &AuthorizationClient<Channel>, headers: &[(&str, &str)]) -> i32 {
    let request = request("GET", "/collections/obs", headers);
    Answer(client.clone().check(request).await.unwrap().into_inner()).status()
}

fn chain(rule: impl Fn(usize) -> String) -> String {
    let rules: Vec<String> = (1..1000).map(rule).collect();
    rules.join("\n")
}

/// Policies that were measured to end or stall the process that loads them.
fn bombs() -> Vec<(&'static str, String)> {
    let doubled = |step: &str| {
        let steps: Vec<String> = (1..60)
            .map(|n| {
                step.replace("NEXT", &n.to_string())
                    .replace("LAST", &(n - 1).to_string())
            })
            .collect();
        steps.join("\n")
    };
    vec![
        ("nested arrays", format!("allow if {}{}", "[".repeat(5000), "]".repeat(5000))),
        ("literals that take the parser exponential time", format!("default allow := {}1{}", "{\"a\": ".repeat(26), "}".repeat(26))),
        ("a long sum", format!("allow if 1{} > 0", " + 1".repeat(20_000))),
        ("a long reference", format!("allow if input{}", ".a".repeat(20_000))),
        ("a long reference by keys", format!("allow if input{}", "[input.a]".repeat(5_000))),
        ("a chain of rules", format!("r0 := 1\n{}\nallow if r999", chain(|n| format!("r{n} := r{}", n - 1)))),
        ("a chain of functions", format!("f0(x) := x\n{}\nallow if f999(1)", chain(|n| format!("f{n}(x) := f{}(x)", n - 1)))),
        ("a function that calls itself", "f(x) := f(x + 1)\nallow if f(1)".to_owned()),
        ("rules in a circle", "a if b\nb if a\nallow if a".to_owned()),
        ("a range", "allow if count(numbers.range(1, 1000000000)) > 0".to_owned()),
        ("a width", "allow if sprintf(\"%1000000000d\", [1]) != \"\"".to_owned()),
        ("a network", "allow if net.cidr_expand(\"10.0.0.0/1\")".to_owned()),
        ("paths of a graph", "n := numbers.range(1, 30)\ng := {x: n | some x in n}\nallow if graph.reachable_paths(g, {1})".to_owned()),
        ("a shift", "allow if bits.lsh(1, 100000000000) > 0".to_owned()),
        ("a doubled text", format!("s0 := \"aaaaaaaaaa\"\n{}\nallow if s59 != \"\"", doubled("sNEXT := concat(\"\", [sLAST, sLAST])"))),
        ("a doubled array", format!("s0 := [1]\n{}\nallow if s59 != []", doubled("sNEXT := array.concat(sLAST, sLAST)"))),
        ("a squared number", format!("s0 := 10\n{}\nallow if s59 > 0", doubled("sNEXT := sLAST * sLAST"))),
        ("a comparison without an end", format!("a0 := [1]\nb0 := [1]\n{}\nallow if a59 == b59", doubled("aNEXT := [aLAST, aLAST]\nbNEXT := [bLAST, bLAST]"))),
        ("a cross product", "allow if count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); some c in numbers.range(1, 3000); a + b + c == -1]) == 1".to_owned()),
        ("no Rego", "allow if {".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_saved_file_ends_or_stalls_the_service() {
    let service = service(GOOD, "").await;
    let others = Arc::new(AtomicBool::new(true));
    let answered = Arc::new(AtomicU32::new(0));
    let asking = {
        let (others, answered) = (Arc::clone(&others), Arc::clone(&answered));
        let client = service.client.clone();
        tokio::spawn(async move {
            while others.load(Ordering::Relaxed) {
                assert_eq!(status(&client, &[("x-api-key", OSGEO_KEY)]).await, 200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let file = service.folder.path().join("policies/authz.rego");
    for (count, (name, rules)) in bombs().into_iter().enumerate() {
        let before = answered.load(Ordering::Relaxed);
        let aside = service.folder.path().join("aside");
        fs::write(&aside, format!("package geowarden.authz\n{rules}\n")).unwrap();
        fs::rename(&aside, &file).unwrap();
        let failures = format!(
            "geowarden_reloads_total{{result=\"failure\"}} {}",
            count + 1
        );
        service.metric(&failures).await;
        assert!(
            !asking.is_finished(),
            "{name}: a request was not answered as before"
        );
        assert!(
            answered.load(Ordering::Relaxed) > before,
            "{name}: nobody was answered"
        );
    }
    service.metric("geowarden_reload_failed 1").await;
    // The next good policy is loaded as usual.
    fs::write(&file, "package geowarden.authz\n\nallow := false\n").unwrap();
    others.store(false, Ordering::Relaxed);
    asking.await.unwrap();
    service.metric("geowarden_reload_failed 0").await;
    assert_eq!(
        status(&service.client, &[("x-api-key", OSGEO_KEY)]).await,
        403
    );
}

/// A policy whose cost a request determines.
const COSTLY: &str = "package geowarden.authz

size := to_number(input.request.headers[\"x-size\"])

allow if size == 0

allow if {
	some a in numbers.range(1, size)
	some b in numbers.range(1, size)
	some c in numbers.range(1, size)
	a + b + c == -1
}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_take_long_hold_up_no_others() {
    let service = service(COSTLY, "").await;
    let costly = |size: &'static str| {
        let client = service.client.clone();
        async move { status(&client, &[("x-api-key", OSGEO_KEY), ("x-size", size)]).await }
    };
    // The first requests show that the policy can be slow. The service answers them and continues.
    assert_eq!(costly("400").await, 503);
    let bombs: Vec<_> = (0..20).map(|_| tokio::spawn(costly("400"))).collect();
    while bombs.iter().any(|bomb| !bomb.is_finished()) {
        assert_eq!(costly("0").await, 200);
    }
    for bomb in bombs {
        assert_eq!(bomb.await.unwrap(), 503);
    }
    // A request that needs no evaluation is not delayed.
    assert_eq!(
        status(&service.client, &[("x-api-key", "wrong")]).await,
        401
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_process_for_trials_no_policy_loads() {
    let folder = folder(GOOD, "");
    let mut config = config(folder.path());
    config.program = Some(folder.path().join("no-such-program"));
    let told = geowarden::app::App::bind(config)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("no process to try policies in"), "{told}");
}
