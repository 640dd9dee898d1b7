//! Problems of a configuration. All of them are reported at once, each with its place.

use std::fmt;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file and, if known, the line in it, from 1.
    File {
        /// The path of the file, as the user wrote it.
        file: String,
        /// Line, from 1.
        line: Option<usize>,
    },
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                file,
                line: Some(line),
            } => write!(f, "{file}:{line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Environment(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// One problem: where, which key, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the value was set.
    pub origin: Origin,
    /// The key's path, such as `authn.jwt[0].issuer`; empty for a fault of the whole file.
    pub path: String,
    /// What was expected, what was found, what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// All problems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One problem of a whole file.
    pub fn file(file: impl Into<String>, line: Option<usize>, message: impl Into<String>) -> Self {
        Self(vec![Problem {
            origin: Origin::File {
                file: file.into(),
                line,
            },
            path: String::new(),
            message: message.into(),
        }])
    }

    /// The same problems of one tenant. Each message names the tenant.
    #[must_use]
    pub fn of_tenant(mut self, tenant: Option<&str>) -> Self {
        let Some(name) = tenant else { return self };
        for problem in &mut self.0 {
            problem.message = format!("tenant `{name}`: {}", problem.message);
        }
        self
    }

    /// `Ok` if there are no problems.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
