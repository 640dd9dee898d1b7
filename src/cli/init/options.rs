//! Options that do not go together, and addresses that cannot.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{super::CommandError, Guarded, Init, Mode, place::Place};
use crate::request::ogc::Backend;

/// The port of Envoy's admin page in the shipped bootstraps.
const ENVOY_ADMIN: u16 = 9901;

/// Reads where Envoy listens.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, such as 127.0.0.1:8080 or 0.0.0.0:8080; Envoy does not look up names here".to_owned()
    })
}

/// The name of an option, and whether it is given.
type Given = (&'static str, bool);

/// Refuses options that would have no effect.
pub(super) fn have_effect(init: &Init) -> Result<(), CommandError> {
    let tokens = matches!(init.mode, Mode::Jwt | Mode::Oidc);
    let login = init.mode == Mode::Oidc;
    let moved = init.mode == Mode::Fastgeoapi;
    let is_here = init.place.has_document();
    let groups: [(bool, &str, &[Given]); 5] = [
        (
            tokens,
            "--mode jwt or --mode oidc",
            &[
                ("--issuer", init.issuer.is_some()),
                ("--audience", !init.audiences.is_empty()),
            ],
        ),
        (
            login,
            "--mode oidc",
            &[
                ("--client-id", init.client_id.is_some()),
                ("--client-secret-file", init.client_secret_file.is_some()),
                ("--scope", !init.scopes.is_empty()),
            ],
        ),
        (
            moved,
            "--mode fastgeoapi",
            &[
                ("--env-file", init.env_file.is_some()),
                ("--policy", init.policy.is_some()),
            ],
        ),
        (
            is_here,
            "--for host or --for systemd: containers make the document when they start",
            &[("--openapi", init.openapi.is_some())],
        ),
        (
            is_here,
            "--for host or --for systemd: the containers run Flask",
            &[(
                "--backend starlette",
                init.backend == Some(Backend::Starlette),
            )],
        ),
    ];
    for (_, with, options) in groups.into_iter().filter(|(has_effect, ..)| !has_effect) {
        if let Some((option, _)) = options.iter().find(|(_, is_given)| *is_given) {
            return Err(CommandError::Usage(format!(
                "{option}: has an effect only with {with}"
            )));
        }
    }
    Ok(())
}

/// Refuses two programs at one address of this machine.
pub(super) fn ports_differ(init: &Init, guarded: &Guarded) -> Result<(), CommandError> {
    // Containers have a network of their own, in which every port is given.
    if !matches!(init.place, Place::Host | Place::Systemd) {
        return Ok(());
    }
    let here = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let taken = [(ENVOY_ADMIN, "Envoy's admin page")]
        .into_iter()
        .chain(init.place.ports().iter().copied());
    for (port, user) in taken {
        if guarded.port == port {
            return Err(CommandError::Usage(format!(
                "--pygeoapi: {}: `server.bind.port` is {port}, which {user} uses: give pygeoapi another port",
                guarded.file.display()
            )));
        }
        if overlap(init.listen, here(port)) {
            return Err(CommandError::Usage(format!(
                "--listen {}: {user} uses the port {port} of 127.0.0.1: choose another port",
                init.listen
            )));
        }
    }
    if overlap(init.listen, here(guarded.port)) {
        return Err(CommandError::Usage(format!(
            "--listen {}: pygeoapi uses the port {} of 127.0.0.1 (`server.bind.port` of {}): choose another port",
            init.listen,
            guarded.port,
            guarded.file.display()
        )));
    }
    Ok(())
}

/// Whether two programs cannot listen on both.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}
