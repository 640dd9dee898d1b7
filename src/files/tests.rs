#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;

const TREE: Selection = Selection::Tree {
    endings: &[".rego"],
    names: &["data.yaml"],
};

fn tree(path: &Path) -> Root {
    Root {
        path: path.to_path_buf(),
        take: TREE,
    }
}

fn read(roots: &[Root]) -> Files {
    Files::read(roots, Fresh::Read).unwrap()
}

fn names(files: &Files, folder: &Path) -> Vec<String> {
    let below = files.below(folder).unwrap();
    let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
    below.map(name).collect()
}

#[test]
fn what_is_wanted_is_read_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir_all(path("a/.hidden")).unwrap();
    fs::create_dir(path("..2026")).unwrap();
    for name in [
        "x.rego",
        "a/data.yaml",
        "a/other.txt",
        ".y.rego",
        "a/.hidden/z.rego",
        "..2026/w.rego",
    ] {
        fs::write(path(name), name).unwrap();
    }
    symlink("nowhere", path("lost.rego")).unwrap();
    let files = read(&[tree(dir.path())]);
    assert_eq!(
        names(&files, dir.path()),
        ["a/data.yaml", "lost.rego", "x.rego"]
    );
    assert!(files.bytes(&path("lost.rego")).unwrap_err().is_missing());
    assert_eq!(files.text(&path("x.rego")), Ok("x.rego"));
    // A folder of single files.
    let files = read(&[Root::folder(dir.path())]);
    assert_eq!(names(&files, dir.path()), ["x.rego"]);
    let told = |root: Root| {
        let path = root.path.clone();
        read(&[root]).bytes(&path).unwrap_err().to_string()
    };
    for (root, expected) in [
        (Root::file(path("a")), "expected a file, found a folder"),
        (
            Root::folder(path("x.rego")),
            "expected a folder, found a file",
        ),
        (Root::file("/dev/null"), "expected a regular file"),
        (Root::file(path("none")), "No such file"),
    ] {
        let told = told(root);
        assert!(
            told.starts_with("cannot be read: ") && told.contains(expected),
            "{told}"
        );
    }
    symlink("loop", path("loop")).unwrap();
    assert!(told(Root::file(path("loop"))).contains("links"));
}

#[test]
fn folders_that_are_nested_too_deep_are_an_error_of_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = dir.path().to_path_buf();
    for _ in 0..20 {
        folder.push("a");
    }
    fs::create_dir_all(&folder).unwrap();
    let files = read(&[tree(dir.path())]);
    let mut below = files.below(dir.path()).unwrap();
    let told = below.find_map(|path| files.bytes(path).err()).unwrap();
    assert!(told.to_string().contains("too deep"), "{told}");
}

/// A set behind a link, replaced as fast as can be, and each time taken away.
#[test]
fn behind_a_link_one_generation_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mount = dir.path().to_path_buf();
    let flip = |number: usize| {
        let folder = mount.join(format!("..{number}"));
        fs::create_dir(&folder).unwrap();
        for part in 0..8 {
            fs::write(folder.join(format!("{part}.rego")), number.to_string()).unwrap();
        }
        symlink(format!("..{number}"), mount.join("..tmp")).unwrap();
        fs::rename(mount.join("..tmp"), mount.join("..data")).unwrap();
        let _ = fs::remove_dir_all(mount.join(format!("..{}", number.wrapping_sub(1))));
    };
    flip(1);
    for part in 0..8 {
        let name = format!("{part}.rego");
        symlink(Path::new("..data").join(&name), mount.join(&name)).unwrap();
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 2..2000 {
                flip(number);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        while !is_over.load(Ordering::Relaxed) {
            let Ok(files) = Files::read(&[tree(&mount)], Fresh::Read) else {
                continue;
            };
            let below: Vec<&Path> = files.below(&mount).unwrap().collect();
            assert_eq!(below.len(), 8);
            let texts: Vec<_> = below.iter().map(|path| files.text(path)).collect();
            assert!(texts[0].is_ok(), "{texts:?}");
            assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        }
    });
}

/// However coarse the clock of the file system is.
#[test]
fn a_change_of_the_same_size_and_time_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.yaml");
    fs::write(&file, "000").unwrap();
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    for number in 1..300 {
        let roots = [Root::file(&file)];
        let mut seen = read(&roots).file_states();
        assert!(seen.is_current());
        let place = if number % 2 == 0 {
            file.clone()
        } else {
            dir.path().join("aside")
        };
        fs::write(&place, format!("{number:03}")).unwrap();
        let opened = fs::File::options().write(true).open(&place).unwrap();
        opened.set_modified(time).unwrap();
        if place != file {
            fs::rename(place, &file).unwrap();
        }
        assert!(!seen.is_current(), "{number}");
        assert!(read(&roots).file_states().differs(&seen));
    }
}

#[test]
fn files_that_never_rest_are_not_taken() {
    let patience = Duration::from_millis(50);
    let mut tries = 0;
    let read = Files::settled(patience, Fresh::Wait, || {
        tries += 1;
        Err(Duration::from_millis(1))
    });
    let told = read.unwrap_err().to_string();
    assert!(
        told.contains("changed while they were read") && tries > 1,
        "{told}"
    );
}

#[test]
fn what_has_only_just_changed_has_to_rest() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.rego");
    let roots = [Root::file(&file)];
    let begun = Instant::now();
    fs::write(&file, "package x").unwrap();
    let files = Files::read(&roots, Fresh::Wait).unwrap();
    assert_eq!(files.text(&file), Ok("package x"));
    // The clock of the file system may be a tick behind ours.
    assert!(begun.elapsed() > SETTLE_TIME / 2);
    // What is not there may be between two renames.
    fs::remove_file(&file).unwrap();
    let begun = Instant::now();
    let files = Files::read(&roots, Fresh::Wait).unwrap();
    assert!(files.is_missing_a_root() && begun.elapsed() >= SETTLE_TIME);
}
