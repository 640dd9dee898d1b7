//! The demo: it starts all components on this machine and shows a tour of requests. Then users can try their own.

mod reason;
mod screen;
mod stand;
mod tour;
mod visit;

use std::path::PathBuf;
use std::pin::pin;

use tokio::signal::unix::{SignalKind, signal};

use self::screen::Screen;
use self::stand::Stand;
use self::tour::Tour;
use crate::{Error, Result, Tools};

/// The command line of the demo.
#[derive(Debug, clap::Parser)]
#[command(
    name = "geowarden-demo",
    about = "Runs geowarden with Envoy, pygeoapi and an identity provider"
)]
pub struct Options {
    /// The geowarden binary; by default the one beside this program.
    #[arg(long, value_name = "PATH")]
    geowarden: Option<PathBuf>,
    /// End after the tour instead of staying up.
    #[arg(long)]
    tour_only: bool,
}

impl Options {
    fn binary(&self) -> Result<PathBuf> {
        let binary = match &self.geowarden {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .map_err(Error::io("finding this program"))?
                .with_file_name("geowarden"),
        };
        if binary.is_file() {
            Ok(binary)
        } else {
            let problem = "there is no geowarden: run `cargo build --bin geowarden`";
            Err(Error::unexpected(binary.display().to_string(), problem))
        }
    }
}

/// Starts all components, takes the tour, and waits for Ctrl-C, unless `tour_only` is set. Returns false if an answer was not as
/// expected. All components end with it, also after an interruption.
pub async fn run(options: &Options) -> Result<bool> {
    let mut screen = Screen::new();
    let mut stop = pin!(interrupted()?);
    let start = async {
        let binary = options.binary()?;
        screen.heading("Starting")?;
        let mut stand = Stand::start(&Tools::find()?, &binary, &mut screen).await?;
        let surprises = Tour::new(&mut stand, &mut screen).take().await?;
        Ok((stand, surprises))
    };
    let (stand, surprises) = tokio::select! {
        outcome = start => outcome?,
        () = &mut stop => return Ok(false),
    };
    screen.summary(&surprises)?;
    if !options.tour_only {
        go_on(&mut screen, &stand)?;
        stop.await;
        screen.line("Ending everything.")?;
    }
    Ok(surprises.is_empty())
}

/// Prints what to try next. Everything that users need is on one screen below the tour.
fn go_on(screen: &mut Screen, stand: &Stand) -> Result<()> {
    introduce(screen, stand)?;
    screen.heading("Now you: commands to copy, into another terminal")?;
    let program = stand.binary().display();
    let config = stand.config();
    let config = config.display();
    let admin = stand.admin_grpc();
    let token = stand.token_command("geobeyond");
    for (what, command) in [
        (
            "allowed",
            "curl -i -H \"x-api-key: $OSGEO_KEY\" $GEOAPI/collections/obs/items".to_owned(),
        ),
        (
            "refused",
            "curl -i -H \"x-api-key: $OSGEO_KEY\" $GEOAPI/collections/lakes/items".to_owned(),
        ),
        (
            "by a login",
            format!(
                "TOKEN=$({token}); curl -i -H \"Authorization: Bearer $TOKEN\" $GEOAPI/collections/lakes/items"
            ),
        ),
        (
            "decisions, as they are made",
            format!("{program} tail --address {admin}"),
        ),
        (
            "the policy alone",
            format!(
                "{program} eval --config {config} --explain --key-id osgeo /collections/lakes/items"
            ),
        ),
    ] {
        screen.line(&format!("  # {what}"))?;
        screen.line(&format!("  {command}"))?;
    }
    screen.heading("Change the policy")?;
    screen.line(&format!(
        "  {}",
        stand.policies().join("authz.rego").display()
    ))?;
    screen.line("  A change is in force as soon as it is saved; `tail` shows it.")?;
    screen.heading("Stop")?;
    screen.line("  Ctrl-C ends everything. `make demo` starts it again, in seconds: nothing is installed or built twice.")
}

/// Prints the addresses and credentials for trying requests by hand.
fn introduce(screen: &mut Screen, stand: &Stand) -> Result<()> {
    screen.heading("Addresses")?;
    screen.line(&format!("  pygeoapi, guarded   {}", stand.url()))?;
    screen.line(&format!(
        "  geowarden's pages   http://{}/metrics",
        stand.geowarden.admin()
    ))?;
    screen.line(&format!(
        "  identity provider   {}",
        stand.provider.issuer()
    ))?;
    screen.heading("Credentials")?;
    for (name, value) in stand.keys() {
        screen.line(&format!("  {name}={value}"))?;
    }
    screen.line(&format!(
        "  OSGEO_TOKEN=$({})",
        stand.token_command("osgeo")
    ))?;
    screen.line("  These names, for your shell:")?;
    screen.line(&format!("  . {}", stand.shell_names().display()))
}

/// Waits for Ctrl-C or SIGTERM.
fn interrupted() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).map_err(Error::io("listening for signals"));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
