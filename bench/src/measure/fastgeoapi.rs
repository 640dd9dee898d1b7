//! Compares with fastgeoapi, if it is installed: a whole request with an API key, including pygeoapi, with the same `.env`.

use std::fs;

use geowarden_stack::{Envoy, EnvoyConfig, Fastgeoapi, Geowarden, Pygeoapi, Tools};

use super::{Aim, Entry, Figure, Stand, envoy::rounds};
use crate::{Error, Result, request::HttpAsk};

const ENV: &str = "ENV_STATE=dev\nDEV_FASTGEOAPI_CONTEXT=/geoapi\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=pygeoapi\n";
const PATH: &str = "/geoapi/collections/obs/items?f=json&limit=1";

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let measure = "a request to pygeoapi through Envoy and geowarden, p50".to_owned();
    let tools = Tools::find()?;
    let fastgeoapi = match Fastgeoapi::start(&tools, ENV).await {
        Ok(started) => started,
        Err(error @ geowarden_stack::Error::NotInstalled { .. }) => {
            return Ok(vec![Entry::NotMeasured {
                measure,
                why: format!("{error}; `tests/tools/install.sh fastgeoapi` brings it"),
            }]);
        }
        Err(error) => return Err(error.into()),
    };
    let folder = tempfile::tempdir().map_err(Error::io("making a folder"))?;
    let file = folder.path().join(".env");
    fs::write(&file, ENV).map_err(Error::io("writing .env"))?;
    let geowarden = Geowarden::start_from_env_file(stand.programs.geowarden, &file, &[]).await?;
    let pygeoapi = Pygeoapi::start_under(&tools, "/geoapi").await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let config = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc());
    let envoy = Envoy::start(&tools, &config).await?;
    let ask = HttpAsk::of_a_browser(PATH, &[("x-api-key", "pygeoapi")]);
    let arms = [
        ("geowarden", envoy.address(), &ask),
        ("fastgeoapi", fastgeoapi.address(), &ask),
    ];
    let medians = rounds(stand, &arms).await?;
    let [(_, measured), (_, reference)] = medians.as_slice() else {
        return Ok(Vec::new());
    };
    Ok(vec![Entry::Figure(Figure {
        measure,
        unit: "µs".to_owned(),
        measured: measured.clone(),
        against: "fastgeoapi, pygeoapi inside".to_owned(),
        reference: reference.clone(),
        aim: Aim::Told,
    })])
}
