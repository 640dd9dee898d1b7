//! Generates the Rust code for `proto/`. `make proto` runs it. The code is committed; builds and this program need no protoc.
//!
//! This is a separate package, so that it also runs when the generated code does not compile.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

const DEFINITION: &str = "geowarden/v1/admin.proto";

/// A file's name below `proto/`, and its content.
type File = (&'static str, Vec<u8>);

fn main() -> Result<(), Box<dyn Error>> {
    for (name, content) in generated()? {
        fs::write(folder().join(name), content)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

/// The generated files: Rust code, and the descriptors for gRPC reflection.
fn generated() -> Result<Vec<File>, Box<dyn Error>> {
    let mut compiler = protox::Compiler::new([folder()])?;
    compiler.open_file(DEFINITION)?;
    compiler.include_imports(true);
    let descriptors = compiler
        .include_source_info(false)
        .encode_file_descriptor_set();
    let with_comments = compiler.include_source_info(true).file_descriptor_set();
    let made = tempfile::tempdir()?;
    tonic_prost_build::configure()
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(made.path())
        .compile_fds(with_comments)?;
    let rust = fs::read(made.path().join("geowarden.v1.rs"))?;
    Ok(vec![
        ("geowarden/v1/admin.rs", rust),
        ("geowarden/v1/admin.binpb", descriptors),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_committed_code_is_what_the_definition_says() {
        for (name, content) in generated().unwrap() {
            let committed = fs::read(folder().join(name)).unwrap_or_default();
            assert!(
                committed == content,
                "proto/{name} is not what proto/{DEFINITION} says: `make proto` writes it anew"
            );
        }
    }
}
