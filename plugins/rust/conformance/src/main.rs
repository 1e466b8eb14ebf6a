//! The adapter for the conformance suite: the AWS SDK for Rust as it is, or with the argument `plugin` with awstokenserver.

use std::error::Error as StdError;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::error::DisplayErrorContext;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::{DateTime, Format};

const SDK: [&str; 9] = [
    "refresh",
    "account-id",
    "profile-over-env",
    "env-keys-over-profile",
    "unused-profile",
    "role-over-keys",
    "services",
    "global-endpoint-url",
    "no-merge",
];
const PLUGIN: [&str; 7] = ["token-server", "document", "form", "servers", "tls", "unix-socket", "error-class"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let plugin = arguments.iter().any(|argument| argument == "plugin");
    if arguments.iter().any(|argument| argument == "capabilities") {
        let plugins = if plugin { &PLUGIN[..] } else { &[] };
        println!("{:?}", [plugins, &SDK[..]].concat());
        return ExitCode::SUCCESS;
    }
    let used = Used::default();
    let config = load(plugin).await;
    let provider = config.credentials_provider().expect("a default configuration has credentials");
    let config =
        config.into_builder().credentials_provider(SharedCredentialsProvider::new(Recorder(provider, used.clone())));
    // A client keeps and renews credentials: one whose requests go nowhere shows which it uses.
    let client = aws_sdk_sts::Client::new(&config.http_client(Nowhere).build());
    let mut exit = ExitCode::SUCCESS;
    for retrieval in 0..number("AWS_CONFORMANCE_RETRIEVALS") as usize {
        if retrieval > 0 {
            tokio::time::sleep(Duration::from_secs_f64(number("AWS_CONFORMANCE_WAIT_SECONDS"))).await;
        }
        match client.get_caller_identity().send().await {
            Err(error) if error.raw_response().is_none() => {
                println!("{}", refusal(&error));
                exit = ExitCode::FAILURE;
            }
            _ => println!("{}", line(used.0.lock().unwrap().as_ref().expect("the request was signed"))),
        }
    }
    exit
}

async fn load(plugin: bool) -> SdkConfig {
    let profile = std::env::var("AWS_CONFORMANCE_PROFILE").ok();
    let version = BehaviorVersion::latest();
    match (plugin, profile) {
        (true, Some(profile)) => awstokenserver::defaults(version).profile_name(profile).load().await,
        (true, None) => awstokenserver::defaults(version).load().await,
        (false, Some(profile)) => aws_config::defaults(version).profile_name(profile).load().await,
        (false, None) => aws_config::load_defaults(version).await,
    }
}

fn number(variable: &str) -> f64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(1.0)
}

fn line(credentials: &Credentials) -> String {
    let mut members = vec![
        ("AccessKeyId", credentials.access_key_id().to_owned()),
        ("SecretAccessKey", credentials.secret_access_key().to_owned()),
    ];
    members.extend(credentials.session_token().map(|token| ("SessionToken", token.to_owned())));
    members.extend(credentials.account_id().map(|id| ("AccountId", id.as_str().to_owned())));
    members.extend(
        credentials
            .expiry()
            .map(|expiry| ("Expiration", DateTime::from(expiry).fmt(Format::DateTime).expect("an expiry is a date"))),
    );
    let members = members.into_iter().map(|(name, value)| format!(",\"{name}\":{}", quote(&value)));
    format!("{{\"Version\":1{}}}", members.collect::<String>())
}

fn refusal(error: &(dyn StdError + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    let invalid = |error: &(dyn StdError + 'static)| {
        matches!(error.downcast_ref(), Some(CredentialsError::InvalidConfiguration(_)))
    };
    let class = match awstokenserver::Error::find(error) {
        Some(error) => error.class().as_str(),
        None if sources.into_iter().any(invalid) => "config-invalid",
        None => "",
    };
    let message = DisplayErrorContext(error).to_string();
    format!("{{\"Version\":1,\"Error\":{{\"Class\":\"{class}\",\"Message\":{}}}}}", quote(&message))
}

fn quote(text: &str) -> String {
    let characters = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        '\0'..='\x1f' => format!("\\u{:04x}", c as u32),
        _ => c.to_string(),
    });
    format!("\"{}\"", characters.collect::<String>())
}

/// The credentials that the client has at present.
#[derive(Clone, Debug, Default)]
struct Used(Arc<Mutex<Option<Credentials>>>);

#[derive(Debug)]
struct Recorder(SharedCredentialsProvider, Used);

impl ProvideCredentials for Recorder {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.0.provide_credentials().await?;
            *self.1.0.lock().unwrap() = Some(credentials.clone());
            Ok(credentials)
        })
    }
}

/// An HTTP client that responds to all requests by itself.
#[derive(Debug)]
struct Nowhere;

impl HttpClient for Nowhere {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Nowhere)
    }
}

impl HttpConnector for Nowhere {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let not_found = 404.try_into().expect("404 is a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(not_found, SdkBody::empty())))
    }
}
