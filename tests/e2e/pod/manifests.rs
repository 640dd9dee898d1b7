//! What `kubectl kustomize` renders.

use std::process::Command;

use geowarden_stack::Tools;
use geowarden_yaml::Document;
use serde_json::Value;

use crate::stage::Outcome;

/// The objects of an overlay.
pub(super) struct Manifests(Vec<Value>);

impl Manifests {
    pub(super) fn of(overlay: &str) -> Outcome<Self> {
        let tools = Tools::find()?;
        let output = Command::new(tools.kubectl()?)
            .arg("kustomize")
            .arg(tools.repository().join("k8s/overlays").join(overlay))
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let objects = text
            .split("\n---\n")
            .map(|text| Ok(Document::parse(text)?.value))
            .collect::<Outcome<_>>()?;
        Ok(Self(objects))
    }

    /// The object of that kind and name.
    pub(super) fn object(&self, kind: &str, name: &str) -> Outcome<&Value> {
        let fits = |object: &&Value| {
            object["kind"] == kind && object["metadata"]["name"].as_str() == Some(name)
        };
        self.0
            .iter()
            .find(fits)
            .ok_or_else(|| format!("no {kind} {name} is rendered").into())
    }

    /// The only Deployment's pod.
    pub(super) fn pod(&self) -> Outcome<&Value> {
        let deployment = self.0.iter().find(|object| object["kind"] == "Deployment");
        deployment
            .map(|object| &object["spec"]["template"]["spec"])
            .ok_or_else(|| "no Deployment is rendered".into())
    }
}
