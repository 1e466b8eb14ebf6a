use std::borrow::Cow;
use std::fmt;

use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;
use std::time::SystemTime;
use tokio::sync::OnceCell;

use crate::encoding::trim;
use crate::error::{Error, Result};
use crate::profile::{self, KEY};
use crate::provider::{Role, TokenServerProvider};

const VARIABLE: &str = "AWS_WEB_IDENTITY_TOKEN_SERVER";
const FILE_VARIABLE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE_VARIABLE: &str = "AWS_ROLE_ARN";
const SESSION_VARIABLE: &str = "AWS_ROLE_SESSION_NAME";

/// The SDK's default chain with token servers in it.
///
/// In this order: static keys in the environment; the profile; web identity in the environment; then
/// what the given configuration has for credentials, which is the rest of the SDK's chain. A token
/// server stands where a token file would, and once it is used, no other credentials are.
///
/// [`defaults`](crate::defaults) makes one with all that belongs to it. Credentials are not kept here:
/// that is for the identity cache of the clients.
#[derive(Debug)]
pub struct DefaultCredentialsChain(CredentialsProviderChain);

impl DefaultCredentialsChain {
    /// A chain for the profile that `AWS_PROFILE` names, with the settings of `config`.
    pub fn builder(config: &SdkConfig) -> Builder {
        Builder { config: config.clone(), profile_name: None, profile_files: EnvConfigFiles::default() }
    }
}

impl ProvideCredentials for DefaultCredentialsChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.provide_credentials()
    }
}

/// Builder of a [`DefaultCredentialsChain`].
#[derive(Debug)]
pub struct Builder {
    config: SdkConfig,
    profile_name: Option<String>,
    profile_files: EnvConfigFiles,
}

impl Builder {
    /// The profile, in place of the one that `AWS_PROFILE` names. The configuration must be of the same.
    pub fn profile_name(mut self, name: impl Into<String>) -> Self {
        self.profile_name = Some(name.into());
        self
    }

    /// The files that hold profiles. The configuration must be of the same.
    pub fn profile_files(mut self, files: EnvConfigFiles) -> Self {
        self.profile_files = files;
        self
    }

    /// Makes the chain.
    pub fn build(self) -> DefaultCredentialsChain {
        let rest = self.config.credentials_provider();
        let mut profile = ProfileFileCredentialsProvider::builder()
            .profile_files(self.profile_files.clone())
            .configure(&provider_config(&self.config));
        if let Some(name) = &self.profile_name {
            profile = profile.profile_name(name);
        }
        let environment =
            EnvironmentTokenServer { profile: profile.build(), config: self.config.clone(), provider: OnceCell::new() };
        let chain = CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
            .or_else("ProfileTokenServer", ProfileTokenServer { from: self, provider: OnceCell::new() })
            .or_else("EnvironmentTokenServer", environment);
        DefaultCredentialsChain(match rest {
            Some(rest) => chain.or_else("Default", rest),
            None => chain,
        })
    }
}

fn provider_config(config: &SdkConfig) -> ProviderConfig {
    let mut provider_config = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_use_fips(config.use_fips())
        .with_use_dual_stack(config.use_dual_stack())
        .with_behavior_version(config.behavior_version());
    if let Some(client) = config.http_client() {
        provider_config = provider_config.with_http_client(client);
    }
    if let Some(sleep) = config.sleep_impl() {
        provider_config = provider_config.with_sleep_impl(sleep);
    }
    if let Some(time) = config.time_source() {
        provider_config = provider_config.with_time_source(time);
    }
    if let Some(retry) = config.retry_config() {
        provider_config = provider_config.with_retry_config(retry.clone());
    }
    if let Some(timeout) = config.timeout_config() {
        provider_config = provider_config.with_timeout_config(timeout.clone());
    }
    provider_config
}

/// The token server of a profile, and the roles that are assumed from there.
struct ProfileTokenServer {
    from: Builder,
    provider: OnceCell<Option<Roles>>,
}

/// The role of a token server, and the roles that are assumed from there, with their external ids.
struct Roles {
    base: TokenServerProvider,
    then: Vec<(Role, Option<String>)>,
}

impl fmt::Debug for ProfileTokenServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileTokenServer").field("profile_name", &self.from.profile_name).finish_non_exhaustive()
    }
}

impl ProfileTokenServer {
    async fn credentials(&self) -> provider::Result {
        let Some(Roles { base, then }) = self.provider.get_or_try_init(|| self.find()).await? else {
            return Err(CredentialsError::not_loaded(format!("the profile has no {KEY}")));
        };
        let mut credentials: Credentials = base.credentials().await?;
        for (role, external_id) in then {
            let mut builder = AssumeRoleProvider::builder(&role.arn)
                .session_name(role.session_name(SystemTime::now()))
                .configure(&crate::provider::sts_config(&self.from.config));
            if let Some(id) = external_id {
                builder = builder.external_id(id);
            }
            credentials = builder.build_from_provider(credentials).await.provide_credentials().await?;
        }
        Ok(credentials)
    }

    async fn find(&self) -> Result<Option<Roles>> {
        let Builder { config, profile_name, profile_files } = &self.from;
        let name = profile_name.clone().map(Cow::Owned);
        // aws-config reports files that it cannot read.
        let Ok(profiles) = aws_config::profile::load(&Fs::real(), &Env::real(), profile_files, name).await else {
            return Ok(None);
        };
        check_same_profile(&profiles, config)?;
        let Some(found) = profile::find(&profiles)? else {
            return Ok(None);
        };
        let base = TokenServerProvider::new(found.setting, &found.value, found.role, config)?;
        Ok(Some(Roles { base, then: found.then }))
    }
}

/// Refuses a configuration of another profile: its credentials would be those of another identity.
fn check_same_profile(profiles: &ProfileSet, config: &SdkConfig) -> Result<()> {
    let Some(theirs) = config.service_config() else {
        return Ok(());
    };
    for key in [KEY, "role_arn", "source_profile", "aws_access_key_id"] {
        let key = ServiceConfigKey::builder().service_id(key).profile(key).env("AWSTOKENSERVER_NO_VARIABLE").build();
        let key = key.expect("all of it is set");
        if theirs.load_config(key.clone()).as_deref() != profiles.get(key.profile()) {
            let problem = "the configuration was loaded for another profile than the credentials";
            let name = format!("the profile {:?}", profiles.selected_profile());
            return Err(Error::invalid(problem)
                .with_hint("name the profile with awstokenserver's profile_name")
                .with_setting(&name));
        }
    }
    Ok(())
}

impl ProvideCredentials for ProfileTokenServer {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// The token server in the environment, which comes after what the profile has.
struct EnvironmentTokenServer {
    profile: ProfileFileCredentialsProvider,
    config: SdkConfig,
    provider: OnceCell<TokenServerProvider>,
}

impl fmt::Debug for EnvironmentTokenServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvironmentTokenServer")
    }
}

impl EnvironmentTokenServer {
    async fn credentials(&self) -> provider::Result {
        let Some(value) = variable(VARIABLE) else {
            return Err(CredentialsError::not_loaded(format!("{VARIABLE} is not set")));
        };
        match self.profile.provide_credentials().await {
            Err(CredentialsError::CredentialsNotLoaded(_)) => {
                let provider = self.provider.get_or_try_init(|| async { self.read(&value) }).await?;
                Ok(provider.credentials().await?)
            }
            decided => decided,
        }
    }

    fn read(&self, value: &str) -> Result<TokenServerProvider> {
        if variable(FILE_VARIABLE).is_some() {
            let problem = format!("{FILE_VARIABLE} is set too");
            return Err(Error::invalid(problem).with_hint("unset one of the two").with_setting(VARIABLE));
        }
        let Some(arn) = variable(ROLE_VARIABLE) else {
            let problem = format!("{ROLE_VARIABLE} is not set");
            return Err(Error::invalid(problem).with_hint("set it to the role to assume").with_setting(VARIABLE));
        };
        let role = Role { arn, session_name: variable(SESSION_VARIABLE), default_session_name: "web-identity-token" };
        TokenServerProvider::new(VARIABLE.to_owned(), value, role, &self.config)
    }
}

/// A variable's value without surrounding whitespace; one of nothing else is as none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| trim(&value).to_owned()).filter(|value| !value.is_empty())
}

impl ProvideCredentials for EnvironmentTokenServer {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
