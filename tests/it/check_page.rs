//! Checks the table of codes in docs/policies/check.md. `WRITE=1 cargo test --test it check_page` writes the table.

use std::{env, fmt::Write as _, fs, path::Path};

use geowarden_rego::lint::CODES;

const PAGE: &str = "docs/policies/check.md";
const BEGIN: &str = "| Code | What is found | What to do |\n|---|---|---|\n";

#[test]
fn the_table_of_codes_is_whole() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let after = rest.find("\n\n").map_or("", |end| &rest[end + 1..]);
    let mut made = format!("{before}{BEGIN}");
    for (code, what, cure) in CODES {
        writeln!(made, "| `{}` | {what} | {cure} |", code.as_str()).unwrap();
    }
    made.push_str(after);
    if env::var_os("WRITE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap() == made,
        "write {PAGE} anew by `WRITE=1 cargo test --test it check_page`"
    );
}
