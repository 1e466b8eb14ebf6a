use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;

/// What kind of failure an [`Error`] is: each has another fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// A setting can never work as it is written.
    ConfigInvalid,
    /// A variable or file that the token server needs is missing or empty.
    NotConfigured,
    /// The token server said no.
    TokenRefused,
    /// The token server gave no usable response.
    TokenUnavailable,
    /// The token server responded with something that is not a token.
    TokenMalformed,
    /// STS refused the role for this token.
    RoleDenied,
    /// STS gave no usable response.
    StsUnavailable,
}

impl Class {
    /// The name that the specification gives this class, such as `config-invalid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::ConfigInvalid => "config-invalid",
            Class::NotConfigured => "not-configured",
            Class::TokenRefused => "token-refused",
            Class::TokenUnavailable => "token-unavailable",
            Class::TokenMalformed => "token-malformed",
            Class::RoleDenied => "role-denied",
            Class::StsUnavailable => "sts-unavailable",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a setting did not lead to a role. Its text holds no secret.
///
/// The SDK wraps it: [`Error::find`] finds it in the error of any operation.
#[derive(Debug)]
pub struct Error {
    class: Class,
    setting: String,
    problem: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(class: Class, problem: impl Into<String>) -> Self {
        Error { class, setting: String::new(), problem: problem.into(), hint: None, source: None }
    }

    pub(crate) fn invalid(problem: impl Into<String>) -> Self {
        Error::new(Class::ConfigInvalid, problem)
    }

    pub(crate) fn not_configured(problem: impl Into<String>) -> Self {
        Error::new(Class::NotConfigured, problem)
    }

    pub(crate) fn malformed(problem: impl Into<String>) -> Self {
        Error::new(Class::TokenMalformed, problem)
    }

    pub(crate) fn with_setting(mut self, setting: &str) -> Self {
        self.setting = setting.to_owned();
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The class of the failure.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The setting that led here: a variable, or a key and the profile that holds it.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// How to resolve it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Finds this error among the sources of another, such as the error of an operation of a client.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// No variant is `CredentialsNotLoaded`: after that one, the SDK's chain asks the next provider.
impl From<Error> for CredentialsError {
    fn from(error: Error) -> Self {
        match error.class {
            Class::ConfigInvalid | Class::NotConfigured => CredentialsError::invalid_configuration(error),
            _ => CredentialsError::provider_error(error),
        }
    }
}
