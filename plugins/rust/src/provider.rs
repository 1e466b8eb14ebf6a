use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_sts::Client as StsClient;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role_with_web_identity::{
    AssumeRoleWithWebIdentityError, AssumeRoleWithWebIdentityOutput,
};
use aws_smithy_types::retry::RetryConfig;
use aws_types::origin::Origin;
use tokio::time::{sleep, timeout};

use crate::error::{Class, Error, Result};
use crate::retry;
use crate::secrets::Secrets;
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
            Err(_) => Err(self.unavailable("did not respond in time").into()),
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
            } else if refusal.code == "InvalidIdentityToken" && exchanges < self.retry.max_attempts() {
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
                Ok(credentials(output).ok_or_else(|| self.unavailable("responded without complete credentials"))?)
            }
            Err(error) => Err(self.refusal(error, token)),
        }
    }

    fn unavailable(&self, problem: &str) -> Error {
        Error::new(Class::StsUnavailable, format!("STS {problem}, for the role {}", self.role.arn))
    }

    fn refusal(&self, error: SdkError<AssumeRoleWithWebIdentityError>, token: &Token) -> Refusal {
        let status = error.raw_response().map(|response| response.status());
        let code = error.code().unwrap_or_default().to_owned();
        if code.is_empty() {
            return match (error, status) {
                (SdkError::ConstructionFailure(_), _) => Error::invalid("the request to STS cannot be made")
                    .with_hint("set a region, and check the endpoint of STS")
                    .into(),
                (_, Some(status)) => {
                    self.unavailable(&format!("responded with {} and no error code", status.as_u16())).into()
                }
                (error @ SdkError::DispatchFailure(_), None) => {
                    let unavailable = self.unavailable("cannot be reached");
                    match error.into_source() {
                        Ok(cause) => unavailable.with_source(cause).into(),
                        Err(_) => unavailable.into(),
                    }
                }
                _ => self.unavailable("did not respond").into(),
            };
        }
        let role = &self.role.arn;
        let (class, problem, hint) = match &*code {
            "ValidationError" => (
                Class::ConfigInvalid,
                format!("STS found the request for the role {role} invalid"),
                "check role_arn, and the session name: 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ -",
            ),
            "PackedPolicyTooLarge" | "MalformedPolicyDocument" => (
                Class::ConfigInvalid,
                format!("STS refused the policy of the session of {role}"),
                "check the session policy and the session tags",
            ),
            "RegionDisabledException" => (
                Class::ConfigInvalid,
                format!("STS is not active in this region for {role}"),
                "activate it in the account, or set another region",
            ),
            code if code == "IDPCommunicationError"
                || THROTTLING_ERRORS.contains(&code)
                || status.is_some_and(|status| status.is_server_error()) =>
            {
                (Class::StsUnavailable, format!("STS gave no answer for the role {role}"), "try again")
            }
            _ => (
                Class::RoleDenied,
                format!("STS refused the role {role} for {}", token.describe()),
                "compare the role's trust policy with the claims of the token",
            ),
        };
        let mut secrets = Secrets::default();
        secrets.add(token.expose());
        token.expose().split('.').for_each(|part| secrets.add(part));
        let said = error.message().unwrap_or_default().to_owned();
        let error = match (secrets.are_in(&code), secrets.are_in(&said)) {
            (true, _) => Error::new(class, problem),
            (false, true) => Error::new(class, format!("{problem}: {code}")),
            (false, false) => {
                Error::new(class, format!("{problem}: {code}: {said}")).with_source(error.into_service_error())
            }
        };
        Refusal { code, error: error.with_hint(hint) }
    }
}

/// An error, and the code of STS that led to it.
struct Refusal {
    code: String,
    error: Error,
}

impl Refusal {
    fn is_expired(&self) -> bool {
        ["ExpiredTokenException", "ExpiredToken"].contains(&&*self.code)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal { code: String::new(), error }
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
