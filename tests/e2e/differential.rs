//! pygeoapi serves what geowarden reads: random requests to pygeoapi's real applications, in process.

use std::{path::Path, process::Command};

use geowarden_stack::Tools;

use crate::stage::{Outcome, binary};

/// The number of requests of all runs that compare routes; `make differential` runs more.
const COUNT: usize = 100_000;
/// The number of requests of each run that compares values.
const VALUES: usize = 15_000;
/// The number of requests in `tests/corpus/clients.jsonl`.
const CLIENTS: usize = 876;
const SEED: &str = "20261124";

fn compare(backend: &str, options: &[&str], count: usize) -> Outcome {
    let tools = Tools::find()?;
    let output = Command::new(tools.pygeoapi_python()?)
        .args(["-m", "differential", "--backend", backend])
        .args(options)
        .args(["--count", &count.to_string(), "--seed", SEED])
        .arg("--geowarden")
        .arg(binary())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    let told = String::from_utf8(output.stdout)?;
    let faults = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{told}\n{faults}");
    assert!(
        told.contains(&format!("{count} requests")) && told.contains("0 mismatches"),
        "{told}"
    );
    Ok(())
}

/// The requests are recorded from GDAL, OWSLib, QGIS and ogc-client, or come from a generator.
#[test]
fn requests_of_clients_are_served_as_without_geowarden() -> Outcome {
    for backend in ["flask", "starlette"] {
        compare(backend, &["--clients"], CLIENTS)?;
    }
    Ok(())
}

#[test]
fn flask_serves_what_was_read() -> Outcome {
    compare("flask", &[], COUNT * 4 / 10)
}

#[test]
fn flask_under_a_base_path_serves_what_was_read() -> Outcome {
    compare("flask", &["--base-path", "/geoapi"], COUNT / 10)
}

#[test]
fn starlette_serves_what_was_read() -> Outcome {
    compare("starlette", &[], COUNT / 2)
}

#[test]
fn flask_gives_its_providers_the_values_that_were_read() -> Outcome {
    compare("flask", &["--values"], VALUES)
}

#[test]
fn starlette_gives_its_providers_the_values_that_were_read() -> Outcome {
    compare("starlette", &["--values"], VALUES)
}
