//! The image: it has the expected files, two builds are equal, and its program runs.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use geowarden_stack::{Geowarden, Tools};
use serde_json::Value;

use crate::stage::{Files, Outcome};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An OCI layout that `k8s/image.sh` made.
struct Image {
    folder: PathBuf,
    digest: String,
}

impl Image {
    /// Builds it with the development profile, since a release takes minutes. Everything else is as in `make image`.
    fn build(folder: PathBuf, variables: &[(&str, &str)]) -> Outcome<Self> {
        // If a tool is not installed, the script says so and names the command that installs it.
        let output = Command::new(root().join("k8s/image.sh"))
            .env("PROFILE", "dev")
            .env("OUTPUT", &folder)
            .env("GEOWARDEN_TOOLS", tools_folder()?)
            .envs(variables.iter().copied())
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let index = read(&folder.join("index.json"))?;
        let digest = index["manifests"][0]["digest"]
            .as_str()
            .ok_or("no digest")?;
        Ok(Self {
            digest: digest.to_owned(),
            folder,
        })
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.folder.join("blobs").join(digest.replace(':', "/"))
    }

    fn manifest(&self) -> Outcome<Value> {
        read(&self.blob(&self.digest))
    }

    fn config(&self) -> Outcome<Value> {
        let manifest = self.manifest()?;
        let digest = manifest["config"]["digest"].as_str().ok_or("no config")?;
        read(&self.blob(digest))
    }

    /// Unpacks the layers, and returns the names of all files.
    fn unpack(&self, into: &Path) -> Outcome<BTreeSet<String>> {
        let mut files = BTreeSet::new();
        let manifest = self.manifest()?;
        for layer in manifest["layers"].as_array().ok_or("no layers")? {
            let blob = self.blob(layer["digest"].as_str().ok_or("no digest")?);
            let output = Command::new("tar")
                .args(["--extract", "--verbose", "--file"])
                .arg(blob)
                .arg("--directory")
                .arg(into)
                .output()?;
            assert!(output.status.success(), "{output:?}");
            let listed = String::from_utf8(output.stdout)?;
            files.extend(
                listed
                    .lines()
                    .filter(|name| !name.ends_with('/'))
                    .map(str::to_owned),
            );
        }
        Ok(files)
    }
}

fn tools_folder() -> Outcome<PathBuf> {
    let python = Tools::find()?.k8s_python()?;
    let folder = python.ancestors().nth(3).ok_or("no folder")?;
    Ok(folder.to_owned())
}

fn read(path: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Whether a 64-bit ELF program needs a loader (a segment of type `PT_INTERP`). A static program needs none.
fn asks_for_a_loader(program: &[u8]) -> bool {
    let number = |at: usize, size: usize| {
        let bytes = program[at..at + size].iter().rev();
        bytes.fold(0, |all, byte| all << 8 | usize::from(*byte))
    };
    assert_eq!(program.get(..5), Some(b"\x7fELF\x02".as_slice()));
    let (headers, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    assert!(count > 0);
    (0..count).any(|index| number(headers + index * size, 4) == 3)
}

#[tokio::test]
async fn the_image_holds_one_static_program_that_runs() -> Outcome {
    let folder = tempfile::tempdir()?;
    let image = Image::build(folder.path().join("image"), &[])?;
    let config = image.config()?;
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    assert_eq!(config["os"], "linux");
    let settings = &config["config"];
    assert_eq!(settings["User"], "65532:65532");
    assert_eq!(settings["Entrypoint"], serde_json::json!(["/geowarden"]));
    assert_eq!(settings["Cmd"], serde_json::json!(["serve"]));
    let labels = &settings["Labels"];
    assert_eq!(
        labels["org.opencontainers.image.version"],
        env!("CARGO_PKG_VERSION")
    );
    for label in ["title", "description", "revision", "source", "licenses"] {
        let label = format!("org.opencontainers.image.{label}");
        assert!(
            labels[&label].as_str().is_some_and(|l| !l.is_empty()),
            "{label}"
        );
    }

    let files = image.unpack(folder.path())?;
    let expected = [
        "etc/ssl/certs/ca-certificates.crt",
        "geowarden",
        "licenses/LICENSE-APACHE",
        "licenses/LICENSE-MIT",
        "usr/share/sbom/geowarden.cdx.json",
    ];
    assert_eq!(files, expected.map(str::to_owned).into());
    let authorities = fs::read_to_string(folder.path().join(expected[0]))?;
    assert!(authorities.matches("BEGIN CERTIFICATE").count() > 50);
    let materials = read(&folder.path().join(expected[4]))?;
    assert_eq!(materials["metadata"]["component"]["name"], "geowarden");
    let parts = materials["components"].as_array().ok_or("no components")?;
    for (name, is_linked) in [("regorus", true), ("proptest", false)] {
        assert_eq!(parts.iter().any(|part| part["name"] == name), is_linked);
    }

    let program = folder.path().join("geowarden");
    assert!(!asks_for_a_loader(&fs::read(&program)?));
    assert!(asks_for_a_loader(&fs::read(crate::stage::binary())?));
    let version = Geowarden::run(&program, &["version"]).await?;
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    let files = Files::new().await?;
    let config = files.configure("127.0.0.1:0", "", "")?;
    let running = Geowarden::start(&program, &config).await?;
    let healthy = Geowarden::run(&program, &["healthcheck", "--admin", running.admin()]).await?;
    assert_eq!(healthy.trim(), "ok");
    assert!(running.terminate().await?.success());

    // The same source gives the same image. An argument selects another architecture.
    let again = Image::build(folder.path().join("again"), &[])?;
    assert_eq!(again.digest, image.digest);
    let program = program.display().to_string();
    let variables = [("ARCH", "arm64"), ("BINARY", &*program)];
    let other = Image::build(folder.path().join("other"), &variables)?;
    assert_eq!(other.config()?["architecture"], "arm64");
    assert_ne!(other.digest, image.digest);
    Ok(())
}
