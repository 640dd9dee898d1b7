//! Converts fastgeoapi's `.env` to the equivalent configuration.
//!
//! ```text
//! .env, process environment -> dotenv -> Settings -> native YAML -> Config
//! ```

mod dotenv;
mod ignored;
mod native;
mod settings;

use std::path::Path;

use self::dotenv::SkippedLine;
pub use self::{native::Native, settings::Settings};
use super::{ApiKeys, Config, Environment, Origin, Problems, read_text};

/// The prefixes of fastgeoapi's variables.
const PREFIXES: [&str; 4] = ["ENV_STATE", "DEV_", "PROD_", "PYGEOAPI_KEY_"];

impl Settings {
    /// Reads fastgeoapi's variables from `file`. Variables of the process take precedence.
    pub fn load(file: &Path, environment: &Environment) -> Result<Self, Problems> {
        environment.unreadable(&PREFIXES).into_result(())?;
        let name = file.display().to_string();
        let text = read_text(file)?;
        let process = environment.others();
        let (variables, skipped) = dotenv::parse(&text, process);
        match Self::from_variables(&name, &variables, process) {
            Ok(mut settings) => {
                let told = skipped.into_iter().map(|SkippedLine { line, message }| {
                    format!("{name}:{line}: skipped, as python-dotenv skips it: {message}")
                });
                settings.notes.splice(0..0, told);
                Ok(settings)
            }
            // What is missing may be what could not be read.
            Err(Problems(problems)) => {
                let told = skipped
                    .into_iter()
                    .flat_map(|SkippedLine { line, message }| {
                        Problems::file(name.clone(), Some(line), message).0
                    });
                Err(Problems(told.chain(problems).collect()))
            }
        }
    }

    /// The equivalent configuration. geowarden's own variables take precedence over it.
    pub fn config(&self, folder: &Path, environment: &Environment) -> Result<Config, Problems> {
        let mut config = Config::from_text(
            &self.file,
            &self.yaml(&Native::default()),
            folder,
            environment,
        )
        .map_err(|problems| self.in_variables(problems))?;
        if !self.keys.is_empty() {
            config.authn.api_keys = Some(ApiKeys {
                inline: self.keys.clone(),
                ..ApiKeys::default()
            });
        }
        config.notes.splice(0..0, self.notes.iter().cloned());
        if self.needs_policy && config.policy.path.is_none() {
            return Err(Problems::file(
                self.file.clone(),
                None,
                "OPA_ENABLED is on, and its policy is in OPA: name the file that was loaded there by GEOWARDEN_POLICY__PATH=auth.rego",
            ));
        }
        Ok(config)
    }
}

impl Settings {
    /// The same problems, but each names the variable that its key was made from.
    fn in_variables(&self, problems: Problems) -> Problems {
        let renamed = problems.0.into_iter().map(|mut problem| {
            if matches!(&problem.origin, Origin::File { file, .. } if *file == self.file) {
                let known = self.origins.get(problem.path.as_str());
                (problem.path, problem.origin) = known.cloned().unwrap_or_else(|| {
                    let file = self.file.clone();
                    (problem.path.clone(), Origin::File { file, line: None })
                });
            }
            problem
        });
        Problems(renamed.collect())
    }
}

#[cfg(test)]
mod tests;
