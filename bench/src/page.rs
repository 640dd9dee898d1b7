//! Writes figures into a page: a section for each processor, which a later run on the same processor replaces.

use std::{fmt::Write as _, fs, path::Path};

use crate::{Error, Result, machine::Machine, measure::Entry, plot, report};

/// The marks of the figures' begin and end in `docs/performance.md`.
const BEGIN: &str = "<!-- written by `make bench` from here -->";
const END: &str = "<!-- to here -->";
/// What a section begins with.
const HEADING: &str = "### ";

/// Writes the section of a machine between the marks of `page`, and its plots as SVG into a folder of `plots`.
pub fn write(page: &Path, plots: &Path, machine: &Machine, entries: &[Entry]) -> Result<()> {
    let shown = page.display().to_string();
    let text = fs::read_to_string(page).map_err(Error::io(format!("reading {shown}")))?;
    let (Some((before, rest)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END))
    else {
        let wanted = format!("expected the lines `{BEGIN}` and `{END}`");
        return Err(Error::unexpected(shown, wanted));
    };
    let written = rest.split_once(END).map_or(rest, |(written, _)| written);
    let folder = folder_name(&machine.processor);
    let plots_of = plots.join(&folder);
    fs::create_dir_all(&plots_of).map_err(Error::io(format!("making {}", plots_of.display())))?;
    let mut section = format!("{}\n\n", machine.text);
    if let Some(noise) = report::noise(entries) {
        let _ = write!(section, "**Disturbed**: {noise}.\n\n");
    }
    section.push_str(&report::table(entries));
    for entry in entries {
        if let Entry::Bars(bars) = entry {
            let file = plots_of.join(format!("{}.svg", bars.name));
            fs::write(&file, plot::svg(bars))
                .map_err(Error::io(format!("writing {}", file.display())))?;
            let root = plots.file_name().unwrap_or_default().to_string_lossy();
            let _ = write!(
                section,
                "\n![{}]({root}/{folder}/{}.svg)\n",
                bars.title, bars.name
            );
        }
    }
    let sections = with_section(written, &machine.processor, &section);
    let whole = format!("{before}{BEGIN}\n\n{sections}\n{END}{after}");
    fs::write(page, whole).map_err(Error::io(format!("writing {shown}")))
}

/// All sections, with one of them replaced or added. The others keep their order.
fn with_section(written: &str, processor: &str, section: &str) -> String {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in written.lines() {
        match (line.strip_prefix(HEADING), sections.last_mut()) {
            (Some(title), _) => sections.push((title.to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            // Text before the first section belongs to no machine.
            (None, None) => {}
        }
    }
    match sections.iter_mut().find(|(title, _)| title == processor) {
        Some((_, text)) => section.clone_into(text),
        None => sections.push((processor.to_owned(), section.to_owned())),
    }
    let sections: Vec<String> = sections
        .iter()
        .map(|(title, text)| format!("{HEADING}{title}\n\n{}\n", text.trim()))
        .collect();
    sections.join("\n")
}

/// The name of a processor as the name of a folder.
fn folder_name(processor: &str) -> String {
    let letters = processor.to_ascii_lowercase();
    let words = letters.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_has_one_section() {
        let one = with_section("\nolder text\n", "AMD EPYC", "first\n");
        assert_eq!(one, "### AMD EPYC\n\nfirst\n");
        let two = with_section(&one, "Intel(R) Xeon(R)", "second\n\nplot");
        assert_eq!(
            two,
            "### AMD EPYC\n\nfirst\n\n### Intel(R) Xeon(R)\n\nsecond\n\nplot\n"
        );
        let again = with_section(&two, "AMD EPYC", "third");
        assert_eq!(
            again,
            "### AMD EPYC\n\nthird\n\n### Intel(R) Xeon(R)\n\nsecond\n\nplot\n"
        );
        assert_eq!(
            folder_name("Intel(R) Xeon(R) @ 2.8GHz"),
            "intel-r-xeon-r-2-8ghz"
        );
    }
}
