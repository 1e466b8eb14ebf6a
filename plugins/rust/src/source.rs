use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_smithy_types::retry::RetryConfig;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, NoResponse, Response};
use crate::document::{Http, Source};
use crate::encoding::trim;
use crate::error::{Class, Error, Result};
use crate::file;
use crate::request::Request;
use crate::retry;
use crate::template::{Expansion, FILE_LIMIT, read_variable};
use crate::token::Token;
use crate::value::TokenServer;

const ATTEMPT: Duration = Duration::from_secs(5);
const ALL_ATTEMPTS: Duration = Duration::from_secs(60);
const QUOTE_LIMIT: usize = 256;

/// Where tokens come from.
pub(crate) struct TokenSource {
    server: TokenServer,
    client: Client,
    retry: RetryConfig,
}

impl TokenSource {
    pub(crate) fn new(server: TokenServer, config: &SdkConfig) -> Result<Self> {
        let retry = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        Ok(TokenSource { server, client: Client::new(config)?, retry })
    }

    /// Fetches a token. Variables and files are read anew.
    pub(crate) async fn token(&self) -> Result<Token> {
        let TokenServer { document, audience } = &self.server;
        let token = match &document.source {
            Source::Env(name) => read_variable(name).and_then(|text| Token::new(&text)),
            Source::File(path) => read_file(path, audience).await,
            Source::Http(http) => self.fetch(http, audience).await,
        };
        token.map_err(|error| match (&document.hint, error.class()) {
            (Some(hint), Class::NotConfigured | Class::TokenRefused) => error.with_hint(hint),
            _ => error,
        })
    }

    /// Sends the request until there is an answer, within bounds.
    async fn fetch(&self, http: &Http, audience: &str) -> Result<Token> {
        let request = Request::expand(http, audience).await?;
        let host = if request.unix_socket.is_empty() { &request.url.host } else { &request.unix_socket };
        let end = Instant::now() + ALL_ATTEMPTS;
        for attempt in 1.. {
            let bound = ATTEMPT.min(end - Instant::now());
            let (problem, after) = match timeout(bound, self.client.send(&request)).await {
                Ok(Ok(response)) if (200..300).contains(&response.status) => return response.token(&http.token),
                Ok(Ok(response)) => {
                    let problem = refusal(&response, &request);
                    if !passes(&response, http) {
                        let class = if response.status < 600 { Class::TokenRefused } else { Class::TokenUnavailable };
                        return Err(Error::new(class, format!("{host} {problem}")));
                    }
                    let after = response.retry_after.and_then(|value| retry::retry_after(&value, SystemTime::now()));
                    (problem, after.unwrap_or_default())
                }
                Ok(Err(NoResponse::Broken(problem))) => (problem.to_owned(), Duration::ZERO),
                Ok(Err(NoResponse::Final(error))) => return Err(error),
                Err(_) => ("did not respond in time".to_owned(), Duration::ZERO),
            };
            let delay = retry::delay(&self.retry, attempt).max(after);
            if attempt >= self.retry.max_attempts() || Instant::now().checked_add(delay).is_none_or(|next| next >= end)
            {
                let problem = format!("{host} {problem}, in {attempt} attempt(s)");
                return Err(Error::new(Class::TokenUnavailable, problem));
            }
            tracing::debug!(host, problem, attempt, ?delay, "the token server is asked again");
            sleep(delay).await;
        }
        unreachable!("attempts are bounded")
    }
}

async fn read_file(path: &crate::template::Template, audience: &str) -> Result<Token> {
    let path = Expansion::new(audience).expand(path).await?;
    Token::new(&file::read_text(&path, FILE_LIMIT).await?)
}

/// Whether a failure may pass.
fn passes(response: &Response, http: &Http) -> bool {
    let pending = || {
        let body = String::from_utf8_lossy(&response.body);
        body.contains("Can't issue ID_TOKEN") && body.contains("'Pending' state")
    };
    match response.status {
        408 | 429 | 500..600 => true,
        status if http.retry.contains(&status) => true,
        403 => pending(),
        _ => false,
    }
}

/// A failed response, quoted where it holds no secret.
fn refusal(response: &Response, request: &Request) -> String {
    let text = String::from_utf8_lossy(&response.body);
    let quote = match trim(&text) {
        "" => String::new(),
        _ if request.secrets.are_in(&text) => " (response body withheld: it may contain a secret)".to_owned(),
        text => format!(": {:?}", &text[..text.floor_char_boundary(QUOTE_LIMIT)]),
    };
    format!("responded with {}{quote}", response.status)
}
