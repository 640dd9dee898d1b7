//! A policy means the same as in OPA: random and written policies are compared with the real engine.

use std::{path::Path, process::Command};

use geowarden_stack::Tools;

use crate::stage::{Outcome, binary};

/// The number of random policies; `make differential-rego` runs more.
const COUNT: usize = 2_000;
const SEED: &str = "20261125";

/// The output of a module of `tests/rego`, which must succeed.
fn told(module: &str, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(Tools::find()?.opa_python()?)
        .args(["-m", module])
        .args(arguments)
        .arg("--geowarden")
        .arg(binary())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    let told = String::from_utf8(output.stdout)?;
    let faults = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{told}\n{faults}");
    Ok(told)
}

#[test]
fn nothing_is_allowed_that_opa_refuses() -> Outcome {
    let count = COUNT.to_string();
    let told = told("rego", &["--count", &count, "--seed", SEED])?;
    assert!(told.contains(&format!("{count} policies")), "{told}");
    assert!(told.contains("we allow what OPA refuses: 0"), "{told}");
    assert!(told.contains("the process ended or stalled: 0"), "{told}");
    Ok(())
}

#[test]
fn the_corpus_is_what_opa_answers() -> Outcome {
    let told = told("rego.corpus", &["--check"])?;
    assert!(told.contains("0 differ from OPA"), "{told}");
    Ok(())
}

#[test]
fn tests_of_shipped_policies_have_opa_s_results() -> Outcome {
    let told = told("rego.shipped", &[])?;
    assert!(told.contains("0 differ from OPA"), "{told}");
    assert!(
        !told.contains("(0 pass") && !told.contains(" 0 fail"),
        "{told}"
    );
    Ok(())
}

#[test]
fn opa_finds_misspelt_names_by_the_published_schema() -> Outcome {
    let told = told("rego.schema", &[])?;
    assert!(told.contains("4 inputs, 0 differ from OPA"), "{told}");
    Ok(())
}
