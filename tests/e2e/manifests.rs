//! The manifests in `k8s/`, rendered and validated by Kubernetes' own tools (`tests/k8s`, Python).

use std::{path::Path, process::Command};

use geowarden_stack::Tools;

use crate::stage::{Outcome, binary};

fn pass(module: &str) -> Outcome {
    let output = Command::new(Tools::find()?.k8s_python()?)
        .args(["-m", "unittest", module])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GEOWARDEN", binary())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    // A Python module without tests would pass too.
    assert!(
        told.contains("\nRan ") && !told.contains("Ran 0 "),
        "{told}"
    );
    assert!(!told.contains("skipped"), "{told}");
    Ok(())
}

#[test]
fn the_overlays_are_valid_and_restricted() -> Outcome {
    pass("k8s.test_manifests")
}

#[test]
fn the_chart_is_equal_to_the_overlays() -> Outcome {
    pass("k8s.test_chart")
}

#[test]
fn the_alerts_fire_when_they_should() -> Outcome {
    pass("k8s.test_monitoring")
}

#[test]
fn what_is_for_meshes_and_gateways_is_valid() -> Outcome {
    pass("k8s.test_mesh")
}

#[test]
fn what_init_writes_for_kubernetes_is_valid() -> Outcome {
    pass("k8s.test_init")
}

#[test]
fn a_copy_of_the_manifests_stands_alone() -> Outcome {
    pass("k8s.test_copies")
}
