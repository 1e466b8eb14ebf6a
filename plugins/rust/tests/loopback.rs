//! The crate against token servers and an STS on loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::{DateTime, Format};
use awstokenserver::{Class, DefaultCredentialsChain, Error};

const TOKEN: &str = "the-token-of-the-server";
const SECRET: &str = "a-secret-of-the-document";

/// Responds to one connection after the other, and says what was asked.
fn serve(responses: Vec<(u16, String)>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for (status, body) in responses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            while !is_whole(&request) {
                let mut buffer = [0; 4096];
                let n = stream.read(&mut buffer).unwrap();
                request.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
            }
            let _ = sender.send(request);
            let length = body.len();
            let _ =
                write!(stream, "HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        }
    });
    (address, requests)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn sts_response() -> String {
    let expiration = DateTime::from(SystemTime::now() + Duration::from_secs(3600)).fmt(Format::DateTime).unwrap();
    format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA</AccessKeyId>\
         <SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken><Expiration>{expiration}</Expiration>\
         </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
}

fn files(url: &str, sts: &str) -> EnvConfigFiles {
    let document =
        format!(r#"{{"version": 1, "http": {{"url": "{url}", "headers": {{"Authorization": "Bearer {SECRET}"}}}}}}"#);
    let document = aws_smithy_types::base64::encode(document);
    let config = format!(
        "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nweb_identity_token_server = {document}\n\
         region = us-east-1\nendpoint_url = {sts}\nmax_attempts = 1\n[profile other]\nregion = us-east-1"
    );
    EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, config).build()
}

async fn load(token_server: SocketAddr, sts: SocketAddr) -> SdkConfig {
    let files = files(&format!("http://{token_server}/token"), &format!("http://{sts}"));
    awstokenserver::defaults(BehaviorVersion::latest()).profile_name("web").profile_files(files).load().await
}

fn provider(config: &SdkConfig) -> SharedCredentialsProvider {
    config.credentials_provider().unwrap()
}

#[tokio::test]
async fn role_of_a_profile() {
    let (token_server, token_requests) = serve(vec![(200, TOKEN.into())]);
    let (sts, sts_requests) = serve(vec![(200, sts_response())]);
    let config = load(token_server, sts).await;
    // The future is Send: it may move to another thread.
    let provider = provider(&config);
    let credentials = tokio::spawn(async move { provider.provide_credentials().await }).await.unwrap().unwrap();
    assert_eq!(credentials.access_key_id(), "ASIA");
    assert!(token_requests.recv().unwrap().starts_with("GET /token HTTP/1.1\r\n"));
    let exchange = sts_requests.recv().unwrap();
    assert!(exchange.contains(TOKEN) && exchange.contains("RoleSessionName=web-identity-token-profile-"), "{exchange}");
}

#[tokio::test]
async fn a_failed_renewal_leaves_credentials_in_use() {
    let (token_server, _requests) = serve(vec![(200, TOKEN.into()), (503, String::new()), (401, String::new())]);
    let (sts, _sts_requests) = serve(vec![(200, sts_response())]);
    let config = load(token_server, sts).await;
    let provider = provider(&config);
    let first = provider.provide_credentials().await.unwrap();
    let second = provider.provide_credentials().await.unwrap();
    assert_eq!(first.expiry(), second.expiry());
    let refused = provider.provide_credentials().await.unwrap_err();
    assert_eq!(Error::find(&refused).unwrap().class(), Class::TokenRefused);
}

#[tokio::test]
async fn a_retrieval_that_is_dropped_ends_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (sts, _requests) = serve(vec![(200, sts_response())]);
    let config = load(silent.local_addr().unwrap(), sts).await;
    let provider = provider(&config);
    {
        let retrieval = provider.provide_credentials();
        tokio::pin!(retrieval);
        let accepted = tokio::task::spawn_blocking(move || (silent.accept().unwrap(), silent));
        let ((mut connection, _), listener) = tokio::select! {
            accepted = accepted => accepted.unwrap(),
            _ = &mut retrieval => panic!("nothing responded"),
        };
        drop(listener);
        connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = connection.write_all(b"HTTP/1.1 ");
    }
    let refused = provider.provide_credentials().await.unwrap_err();
    assert_eq!(Error::find(&refused).unwrap().class(), Class::TokenUnavailable);
}

#[tokio::test]
async fn a_configuration_of_another_profile_is_refused() {
    let (token_server, _requests) = serve(vec![]);
    let files = files(&format!("http://{token_server}"), "http://127.0.0.1:1");
    let loader = aws_config::defaults(BehaviorVersion::latest()).profile_name("other").profile_files(files.clone());
    let config = loader.load().await;
    let chain = DefaultCredentialsChain::builder(&config).profile_name("web").profile_files(files).build();
    let refused = chain.provide_credentials().await.unwrap_err();
    assert_eq!(Error::find(&refused).unwrap().class(), Class::ConfigInvalid);
}

#[tokio::test]
async fn what_is_printed_holds_no_secret() {
    let (token_server, _requests) = serve(vec![(403, format!("no {SECRET}"))]);
    let (sts, _sts_requests) = serve(vec![]);
    let config = load(token_server, sts).await;
    let refused = provider(&config).provide_credentials().await.unwrap_err();
    let error = Error::find(&refused).unwrap();
    assert_eq!(
        (error.class(), error.setting()),
        (Class::TokenRefused, "web_identity_token_server of the profile \"web\"")
    );
    assert!(error.to_string().contains("withheld"), "{error}");
    assert!(!format!("{config:?}{refused:?}{error}").contains(SECRET));
}

/// A client that a program gives the SDK.
#[derive(Clone, Debug, Default)]
struct Given(Arc<Mutex<Vec<String>>>);

impl HttpClient for Given {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Given {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(request.uri().to_owned());
        let body = if request.uri().contains("token.example.com") { TOKEN.to_owned() } else { sts_response() };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))))
    }
}

#[tokio::test]
async fn the_client_of_the_program_is_used() {
    let given = Given::default();
    let files = files("https://token.example.com/t?x=%7e", "https://sts.example.com");
    let config = awstokenserver::defaults(BehaviorVersion::latest())
        .profile_name("web")
        .profile_files(files)
        .configure(|loader| loader.http_client(given.clone()))
        .load()
        .await;
    provider(&config).provide_credentials().await.unwrap();
    let asked = given.0.lock().unwrap().clone();
    assert_eq!(asked, ["https://token.example.com/t?x=%7e", "https://sts.example.com/"]);
}
