//! Compares geowarden with a real fastgeoapi: with the same `.env`, both must give the same answers, except for a list of
//! differences.

mod differences;
mod requests;
mod seen;
mod stand;

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::{Error, Result, Tools};
use differences::listed;
use requests::Request;
use seen::Seen;
use stand::{Mode, Stand};

/// Sends every request to both and prints the answers. Returns true if they differ exactly as listed.
pub async fn run() -> Result<bool> {
    let tools = Tools::find()?;
    let binary = binary()?;
    let mut unlisted = 0;
    let mut seen_of_listed = HashSet::new();
    say("mode     request                                fastgeoapi  geowarden")?;
    for mode in [Mode::ApiKey, Mode::Jwks, Mode::Oidc] {
        let stand = Stand::start(&tools, &binary, mode).await?;
        for Request { name, ask } in requests::of(mode, &stand).await? {
            let theirs = Seen::of(&ask.send(&stand.theirs()).await?);
            let ours = Seen::of(&ask.send(&stand.ours()).await?);
            let covering = listed()
                .enumerate()
                .find(|(_, difference)| difference.covers(mode, &name, &theirs, &ours));
            let verdict = match covering {
                _ if theirs == ours => String::new(),
                Some((index, difference)) => {
                    seen_of_listed.insert(index);
                    difference.why.to_owned()
                }
                None => {
                    unlisted += 1;
                    format!("NOT LISTED\n  fastgeoapi: {theirs}\n  geowarden:  {ours}")
                }
            };
            let (theirs, ours) = (theirs.status, ours.status);
            say(format!("{mode:<8} {name:<38} {theirs:<11} {ours:<9} {verdict}").trim_end())?;
        }
    }
    let mut unseen = 0;
    for (index, difference) in listed().enumerate() {
        if !seen_of_listed.contains(&index) {
            unseen += 1;
            say(&format!("listed, but not seen: {difference:?}"))?;
        }
    }
    say(&format!(
        "{unlisted} differences that are not listed, {} that are, {unseen} listed ones not seen",
        seen_of_listed.len()
    ))?;
    Ok(unlisted + unseen == 0)
}

fn say(line: &str) -> Result<()> {
    writeln!(io::stdout(), "{line}").map_err(Error::io("writing the table"))
}

/// The program `geowarden` in the folder of this program.
fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::io("finding this program"))?;
    let binary = own.with_file_name("geowarden");
    if binary.is_file() {
        Ok(binary)
    } else {
        let problem = "there is no geowarden: run `cargo build --bin geowarden`";
        Err(Error::unexpected(binary.display().to_string(), problem))
    }
}
