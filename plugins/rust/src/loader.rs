use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;

use crate::chain::DefaultCredentialsChain;
use crate::provider::RETRIEVAL;

/// The SDK's default configuration, with token servers: in place of [`aws_config::defaults`].
///
/// ```no_run
/// # async fn example() {
/// use aws_config::BehaviorVersion;
///
/// let config = awstokenserver::defaults(BehaviorVersion::latest()).profile_name("deploy").load().await;
/// # }
/// ```
pub fn defaults(version: BehaviorVersion) -> Loader {
    // The cache must not give up before the provider does.
    let cache = IdentityCache::lazy().load_timeout(RETRIEVAL + Duration::from_secs(60)).build();
    Loader { loader: aws_config::defaults(version).identity_cache(cache), profile_name: None, profile_files: None }
}

/// Loads an [`SdkConfig`] whose credentials are of a [`DefaultCredentialsChain`].
#[derive(Debug)]
pub struct Loader {
    loader: ConfigLoader,
    profile_name: Option<String>,
    profile_files: Option<EnvConfigFiles>,
}

impl Loader {
    /// The profile, in place of the one that `AWS_PROFILE` names.
    pub fn profile_name(mut self, name: impl Into<String>) -> Self {
        self.profile_name = Some(name.into());
        self
    }

    /// The files that hold profiles, in place of those in the home folder.
    pub fn profile_files(mut self, files: EnvConfigFiles) -> Self {
        self.profile_files = Some(files);
        self
    }

    /// Changes any other setting of aws-config's loader: region, retries, time-outs, the HTTP client.
    /// Profile and credentials set there are refused or replaced.
    ///
    /// ```no_run
    /// # async fn example() {
    /// use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
    ///
    /// let config = awstokenserver::defaults(BehaviorVersion::latest())
    ///     .configure(|loader| loader.region(Region::new("eu-west-1")).retry_config(RetryConfig::adaptive()))
    ///     .load()
    ///     .await;
    /// # }
    /// ```
    pub fn configure(mut self, change: impl FnOnce(ConfigLoader) -> ConfigLoader) -> Self {
        self.loader = change(self.loader);
        self
    }

    /// Loads the configuration. Nothing is sent before credentials are needed, and problems are found then.
    pub async fn load(self) -> SdkConfig {
        let mut loader = self.loader;
        if let Some(name) = &self.profile_name {
            loader = loader.profile_name(name);
        }
        if let Some(files) = &self.profile_files {
            loader = loader.profile_files(files.clone());
        }
        let config = loader.load().await;
        let mut chain = DefaultCredentialsChain::builder(&config);
        if let Some(name) = self.profile_name {
            chain = chain.profile_name(name);
        }
        if let Some(files) = self.profile_files {
            chain = chain.profile_files(files);
        }
        config.into_builder().credentials_provider(SharedCredentialsProvider::new(chain.build())).build()
    }
}
