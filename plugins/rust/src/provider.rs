use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_sdk_sts::Client as StsClient;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityOutput;
use aws_smithy_types::retry::RetryConfig;
use aws_types::origin::Origin;
use tokio::time::{sleep, timeout};

use crate::error::{Class, Result};
use crate::refusal::{Refusal, unavailable};
use crate::retry;
use crate::source::TokenSource;
use crate::token::Token;
use crate::value::TokenServer;

/// Tokens, retries and STS together.
pub(crate) const RETRIEVAL: Duration = Duration::from_secs(180);

/// The role that a setting names, with what names the session.
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) session_name: Option<String>,
    /// What the SDK's default name for the session begins with.
    pub(crate) default_session_name: &'static str,
}

impl Role {
    pub(crate) fn session_name(&self, now: SystemTime) -> String {
        self.session_name.clone().unwrap_or_else(|| {
            let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("{}-{}", self.default_session_name, since.as_millis())
        })
    }
}

/// Fetches a token and exchanges it for a role.
pub(crate) struct TokenServerProvider {
    setting: String,
    role: Role,
    source: TokenSource,
    sts: StsClient,
    retry: RetryConfig,
    /// The last credentials, which stay in use where a renewal ahead of their expiry fails.
    last: Mutex<Option<Credentials>>,
}

impl fmt::Debug for TokenServerProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenServerProvider")
            .field("setting", &self.setting)
            .field("role_arn", &self.role.arn)
            .finish_non_exhaustive()
    }
}

impl TokenServerProvider {
    pub(crate) fn new(setting: String, value: &str, role: Role, config: &SdkConfig) -> Result<Self> {
        let source = TokenServer::parse(value).and_then(|server| TokenSource::new(server, config));
        let source = source.map_err(|error| error.with_setting(&setting))?;
        let retry = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        Ok(TokenServerProvider {
            setting,
            role,
            source,
            sts: StsClient::new(&sts_config(config)),
            retry,
            last: Mutex::new(None),
        })
    }

    pub(crate) async fn credentials(&self) -> Result<Credentials> {
        let retrieved = match timeout(RETRIEVAL, self.exchange()).await {
            Ok(retrieved) => retrieved,
            Err(_) => Err(unavailable("did not respond in time", &self.role.arn).into()),
        };
        match retrieved {
            Ok(credentials) => {
                *self.last() = Some(credentials.clone());
                Ok(credentials)
            }
            Err(refusal) => {
                let may_pass = matches!(refusal.error.class(), Class::TokenUnavailable | Class::StsUnavailable);
                let valid =
                    |credentials: &Credentials| credentials.expiry().is_some_and(|expiry| expiry > SystemTime::now());
                let last = self.last().clone().filter(|last| (may_pass || refusal.is_expired()) && valid(last));
                last.ok_or_else(|| refusal.error.with_setting(&self.setting))
            }
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Credentials>> {
        self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Exchanges a token, and a fresh one where STS says that this one is of no use any more, or not yet.
    async fn exchange(&self) -> std::result::Result<Credentials, Refusal> {
        let mut token = self.source.token().await?;
        let mut was_expired = false;
        for exchanges in 1.. {
            let refusal = match self.assume_role(&token).await {
                Ok(credentials) => return Ok(credentials),
                Err(refusal) => refusal,
            };
            if refusal.is_expired() && !was_expired {
                was_expired = true;
                let fresh = self.source.token().await?;
                if fresh == token {
                    return Err(refusal);
                }
                token = fresh;
            } else if refusal.is_invalid_token() && exchanges < self.retry.max_attempts() {
                sleep(retry::delay(&self.retry, exchanges)).await;
                token = self.source.token().await?;
            } else {
                return Err(refusal);
            }
        }
        unreachable!("exchanges are bounded")
    }

    async fn assume_role(&self, token: &Token) -> std::result::Result<Credentials, Refusal> {
        let sent = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&self.role.arn)
            .role_session_name(self.role.session_name(SystemTime::now()))
            .web_identity_token(token.expose())
            .send();
        match sent.await {
            Ok(output) => {
                let incomplete = || unavailable("responded without complete credentials", &self.role.arn);
                Ok(credentials(output).ok_or_else(incomplete)?)
            }
            Err(error) => Err(Refusal::new(error, &self.role.arn, token)),
        }
    }
}

/// The configuration that aws-config gives the STS client of a provider: an endpoint that the program
/// sets for its own clients is not for this one.
pub(crate) fn sts_config(config: &SdkConfig) -> SdkConfig {
    let mut builder = config.to_builder();
    builder.set_credentials_provider(None);
    builder.set_endpoint_url(None);
    builder.insert_origin("endpoint_url", Origin::unknown());
    builder.build()
}

fn credentials(output: AssumeRoleWithWebIdentityOutput) -> Option<Credentials> {
    let keys = output.credentials?;
    if [&keys.access_key_id, &keys.secret_access_key, &keys.session_token].iter().any(|key| key.is_empty()) {
        return None;
    }
    let mut builder = Credentials::builder()
        .access_key_id(keys.access_key_id)
        .secret_access_key(keys.secret_access_key)
        .session_token(keys.session_token)
        .expiry(SystemTime::try_from(keys.expiration).ok().filter(|expiry| *expiry > UNIX_EPOCH)?)
        .provider_name("WebIdentityTokenServer");
    builder.set_account_id(output.assumed_role_user.and_then(|user| account_id(&user.arn)));
    Some(builder.build())
}

fn account_id(arn: &str) -> Option<AccountId> {
    let account = arn.split(':').nth(4)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then(|| account.into())
}
