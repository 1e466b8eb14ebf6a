use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_smithy_runtime::client::auth::no_auth::{NO_AUTH_SCHEME_ID, NoAuthScheme};
use aws_smithy_runtime::client::identity::no_auth::NoAuthIdentityResolver;
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime::client::retries::strategy::NeverRetryStrategy;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::error::{Class, Error};
use crate::request::Request;

/// How much is read of a body, and of a response's header fields.
pub(crate) const READ_LIMIT: usize = 64 * 1024;

/// Sends a request once, over a connection of its own, and follows no redirect.
pub(crate) struct Client {
    /// What the program gave the SDK.
    given: Option<(SharedHttpClient, RuntimeComponents)>,
    proxies: Option<Matcher>,
}

/// What a token server responded with.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no response.
pub(crate) enum NoResponse {
    /// It may pass.
    Broken(&'static str),
    /// It does not pass.
    Final(Error),
}

impl From<Error> for NoResponse {
    fn from(error: Error) -> Self {
        NoResponse::Final(error)
    }
}

type Result<T> = std::result::Result<T, NoResponse>;

impl Client {
    /// A client with the HTTP settings of the SDK.
    pub(crate) fn new(config: &SdkConfig) -> std::result::Result<Self, Error> {
        #[allow(deprecated)] // the version from which on the SDK's clients use proxies
        let uses_proxies = |version: BehaviorVersion| version.is_at_least(BehaviorVersion::v2025_08_07());
        let given = match config.http_client() {
            Some(client) => Some((client, components(config)?)),
            None => None,
        };
        let proxies = config.behavior_version().is_some_and(uses_proxies).then(Matcher::from_env);
        Ok(Client { given, proxies })
    }

    pub(crate) async fn send(&self, request: &Request) -> Result<Response> {
        let of_its_own = [&request.authorities, &request.certificate].iter().any(|pem| !pem.is_empty());
        match &self.given {
            Some((client, components)) if request.unix_socket.is_empty() && !of_its_own => {
                if request.url.is_local() {
                    resolve(request).await?;
                }
                let connector = client.http_connector(&HttpConnectorSettings::default(), components);
                let sent =
                    to_http(request, &format!("{}://{}", scheme(request), request.url.authority))?.map(SdkBody::from);
                let sent = sent.try_into().map_err(|_| malformed_url())?;
                let response = connector.call(sent).await.map_err(|error| broken(&error, request))?;
                let retry_after = response.headers().get("retry-after").map(str::to_owned);
                check_fields(response.headers().iter().map(|(name, value)| name.len() + value.len()))?;
                read(response.status().as_u16(), retry_after, response.into_body()).await
            }
            _ => {
                let stream = self.connect(request).await?;
                let handshake = hyper::client::conn::http1::Builder::new()
                    .max_buf_size(READ_LIMIT)
                    .max_header_size(READ_LIMIT)
                    .handshake(TokioIo::new(stream));
                let (mut sender, connection) = handshake.await.map_err(|error| broken(&error, request))?;
                // The connection ends with this call, whatever the server thinks of it.
                let mut tasks = JoinSet::new();
                tasks.spawn(connection);
                let sent = to_http(request, "")?.map(http_body_util::Full::<hyper::body::Bytes>::from);
                let response = sender.send_request(sent).await.map_err(|error| broken(&error, request))?;
                check_fields(response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()))?;
                let retry_after = response.headers().get("retry-after");
                let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
                read(response.status().as_u16(), retry_after, SdkBody::from_body_1_x(response.into_body())).await
            }
        }
    }

    async fn connect(&self, request: &Request) -> Result<Stream> {
        let url = &request.url;
        let proxy = match &self.proxies {
            Some(proxies) if url.https && request.unix_socket.is_empty() && !url.is_local() => {
                let target = format!("https://{}", url.authority).parse().map_err(|_| malformed_url())?;
                proxies.intercept(&target)
            }
            _ => None,
        };
        let stream: Stream = match proxy {
            _ if !request.unix_socket.is_empty() => connect_unix(&request.unix_socket).await?,
            Some(proxy) => {
                let host = proxy.uri().host().unwrap_or_default().to_owned();
                let https = proxy.uri().scheme_str() == Some("https");
                let port = proxy.uri().port_u16().unwrap_or(if https { 443 } else { 80 });
                let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
                let mut stream: Stream =
                    Box::new(stream.map_err(|_| NoResponse::Broken("the proxy cannot be reached"))?);
                if https {
                    stream = start_tls(stream, &host, default_tls(), request).await?;
                }
                tunnel(&mut stream, request, proxy.basic_auth()).await?;
                stream
            }
            None => {
                let addresses = resolve(request).await?;
                Box::new(TcpStream::connect(&*addresses).await.map_err(|error| broken(&error, request))?)
            }
        };
        if !url.https {
            return Ok(stream);
        }
        let tls = match (&*request.authorities, &*request.certificate) {
            (b"", b"") => default_tls(),
            _ => Arc::new(tls(request)?),
        };
        start_tls(stream, &url.host, tls, request).await
    }
}

fn scheme(request: &Request) -> &'static str {
    if request.url.https { "https" } else { "http" }
}

fn malformed_url() -> NoResponse {
    NoResponse::Final(Error::invalid("the URL of the token server is malformed"))
}

fn to_http(request: &Request, origin: &str) -> Result<http::Request<String>> {
    let mut sent = http::Request::new(request.body.clone());
    *sent.method_mut() = request.method.clone();
    *sent.uri_mut() = format!("{origin}{}", request.url.target()).parse().map_err(|_| malformed_url())?;
    *sent.headers_mut() = request.headers.clone();
    if origin.is_empty() {
        let host = request.url.authority.parse().map_err(|_| malformed_url())?;
        sent.headers_mut().insert(http::header::HOST, host);
    }
    Ok(sent)
}

/// Breaks off where there is more than is read of header fields, of which these are the lengths: a client
/// may have read them ahead.
fn check_fields(lengths: impl Iterator<Item = usize>) -> Result<()> {
    match lengths.map(|length| length + ": \r\n".len()).sum::<usize>() {
        0..=READ_LIMIT => Ok(()),
        _ => Err(NoResponse::Broken("responded with more than 64 KiB of header fields")),
    }
}

/// Reads a body, and one byte more than is allowed at most.
async fn read(status: u16, retry_after: Option<String>, body: SdkBody) -> Result<Response> {
    let mut response = Response { status, retry_after, body: Vec::new() };
    if status == 101 {
        return Ok(response);
    }
    let mut stream = ByteStream::new(body);
    while response.body.len() <= READ_LIMIT {
        match stream.next().await {
            Some(Ok(bytes)) => response.body.extend_from_slice(&bytes),
            Some(Err(_)) => return Err(NoResponse::Broken("broke off its response")),
            None => break,
        }
    }
    response.body.truncate(READ_LIMIT + 1);
    Ok(response)
}

/// The text of an error may hold the URL: it is not kept.
fn broken(error: &(dyn StdError + 'static), request: &Request) -> NoResponse {
    let causes = std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    });
    for cause in causes {
        if let Some(rustls::Error::InvalidCertificate(_)) = cause.downcast_ref() {
            let problem = format!("the certificate of {} is not trusted", request.url.host);
            let hint = match *request.authorities {
                [] => {
                    "SSL_CERT_FILE replaces the system's authorities and is not added to them; the SDK for Rust does not read AWS_CA_BUNDLE"
                }
                _ => "ca_file replaces the system's authorities and is not added to them",
            };
            return NoResponse::Final(Error::new(Class::TokenUnavailable, problem).with_hint(hint));
        }
    }
    NoResponse::Broken("cannot be reached, or broke off")
}

/// The addresses of the host, which are those of this machine or its metadata service where they must be.
async fn resolve(request: &Request) -> Result<Vec<SocketAddr>> {
    let url = &request.url;
    let addresses = tokio::net::lookup_host((url.host.as_str(), url.port)).await;
    let addresses: Vec<_> = addresses.map_err(|_| NoResponse::Broken("has no address"))?.collect();
    match addresses.iter().find(|address| !url.allows(address.ip())) {
        Some(_) => {
            let problem = format!("{} has an address that is not of this machine", url.host);
            Err(Error::invalid(problem).with_hint("plain http is not sent there: use an https URL").into())
        }
        None => Ok(addresses),
    }
}

trait AsyncStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> AsyncStream for T {}

type Stream = Box<dyn AsyncStream>;

#[cfg(unix)]
async fn connect_unix(path: &str) -> Result<Stream> {
    let stream = tokio::net::UnixStream::connect(path).await;
    Ok(Box::new(stream.map_err(|_| NoResponse::Broken("cannot be reached at its unix socket"))?))
}

#[cfg(not(unix))]
async fn connect_unix(_: &str) -> Result<Stream> {
    Err(Error::invalid("http.unix_socket: this system has no unix sockets").into())
}

async fn tunnel(stream: &mut Stream, request: &Request, basic: Option<&http::HeaderValue>) -> Result<()> {
    let host = match request.url.host.contains(':') {
        true => format!("[{}]:{}", request.url.host, request.url.port),
        false => format!("{}:{}", request.url.host, request.url.port),
    };
    let basic = basic.and_then(|value| value.to_str().ok());
    let basic = basic.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let failed = |_| NoResponse::Broken("cannot be reached through the proxy");
    stream
        .write_all(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{basic}\r\n").as_bytes())
        .await
        .map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < READ_LIMIT {
        head.push(stream.read_u8().await.map_err(failed)?);
    }
    if head.starts_with(b"HTTP/1.1 2") || head.starts_with(b"HTTP/1.0 2") {
        Ok(())
    } else {
        Err(NoResponse::Broken("cannot be reached: the proxy refused"))
    }
}

async fn start_tls(stream: Stream, host: &str, config: Arc<ClientConfig>, request: &Request) -> Result<Stream> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| malformed_url())?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    Ok(Box::new(stream.map_err(|error| broken(&error, request))?))
}

/// What the system trusts, as the SDK reads it.
fn default_tls() -> Arc<ClientConfig> {
    static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(tls_builder().with_root_certificates(roots).with_no_client_auth())
    });
    TLS.clone()
}

fn tls(request: &Request) -> std::result::Result<ClientConfig, Error> {
    let certificates = |pem: &[u8], member: &str| match CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<Vec<_>, _>>()
    {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Error::invalid(format!("{member}: the file holds no certificate in PEM"))),
    };
    let mut roots = RootCertStore::empty();
    if request.authorities.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        roots.add_parsable_certificates(certificates(&request.authorities, "http.ca_file")?);
    }
    let builder = tls_builder().with_root_certificates(roots);
    if request.certificate.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    let chain = certificates(&request.certificate, "http.cert_file")?;
    let key = PrivateKeyDer::from_pem_slice(&request.key)
        .map_err(|_| Error::invalid("http.key_file: the file holds no private key in PEM"))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| Error::invalid("http.key_file: the key does not belong to http.cert_file"))
}

fn tls_builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions of TLS")
}

/// What an HTTP client may look at beside its request. Most of it is of no use here, but must be there.
fn components(config: &SdkConfig) -> std::result::Result<RuntimeComponents, Error> {
    RuntimeComponentsBuilder::new("awstokenserver")
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![NO_AUTH_SCHEME_ID])))
        .with_auth_scheme(NoAuthScheme::new())
        .with_identity_resolver(NO_AUTH_SCHEME_ID, NoAuthIdentityResolver::new())
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_endpoint_resolver(Some(StaticUriEndpointResolver::http_localhost(80)))
        .with_retry_strategy(Some(NeverRetryStrategy::new()))
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source())
        .build()
        .map_err(|error| Error::invalid("the HTTP client of the program cannot be used").with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Source};
    use tokio::net::TcpListener;

    async fn request(url: &str) -> Request {
        let document = format!(r#"{{"version": 1, "http": {{"url": "{url}"}}}}"#);
        let Ok(Document { source: Source::Http(http), .. }) = Document::parse(document.as_bytes()) else {
            unreachable!()
        };
        Request::expand(&http, "").await.ok().unwrap()
    }

    #[tokio::test]
    async fn proxy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://user:password@{}", listener.local_addr().unwrap());
        let client = Client { given: None, proxies: Some(Matcher::builder().all(proxy).build()) };
        let request = request("https://token.example.com/secret").await;
        let refuse = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
            String::from_utf8(head).unwrap()
        };
        let (response, head) = tokio::join!(client.send(&request), refuse);
        assert!(matches!(response, Err(NoResponse::Broken(problem)) if problem.contains("proxy")));
        let expected = "CONNECT token.example.com:443 HTTP/1.1\r\nHost: token.example.com:443\r\n\
                        Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n\r\n";
        assert_eq!(head, expected);
    }

    #[tokio::test]
    async fn not_pem() {
        let mut request = request("https://token.example.com").await;
        request.authorities = b"no certificate".to_vec();
        assert!(tls(&request).unwrap_err().to_string().contains("http.ca_file"));
        request.authorities.clear();
        request.certificate = b"no certificate".to_vec();
        assert!(tls(&request).unwrap_err().to_string().contains("http.cert_file"));
    }

    #[tokio::test]
    async fn addresses() {
        assert!(resolve(&request("http://localhost:1").await).await.is_ok_and(|addresses| !addresses.is_empty()));
    }

    #[test]
    fn fields() {
        assert!(check_fields([READ_LIMIT - 4].into_iter()).is_ok());
        assert!(check_fields([READ_LIMIT - 4, 1].into_iter()).is_err());
    }
}
