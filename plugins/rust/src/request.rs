use crate::document::{Body, Content, Http, holds_control};
use crate::encoding::{BLANKS, percent_decode, percent_encode, query_decode, trim};
use crate::error::{Error, Result};
use crate::file;
use crate::json::Value;
use crate::secrets::Secrets;
use crate::template::{Expansion, FILE_LIMIT};
use crate::url::Url;

/// The one request to a token server, its references replaced.
pub(crate) struct Request {
    pub(crate) url: Url,
    pub(crate) method: http::Method,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
    pub(crate) secrets: Secrets,
    pub(crate) unix_socket: String,
    /// PEM; empty where there is none.
    pub(crate) authorities: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Request {
    pub(crate) async fn expand(http: &Http, audience: &str) -> Result<Self> {
        let mut expansion = Expansion::new(audience);
        let mut secrets = Secrets::default();

        let template = http.url.as_ref().expect("a document has a URL");
        let text = expansion.expand_url(template).await?;
        let origin = template.first_variable().map_or("http.url".to_owned(), |name| format!("the variable {name}"));
        let mut url = Url::parse(&text, &origin, !http.unix_socket.is_empty())?;
        url.set_parameters(&expand_texts(&http.query, &mut expansion).await?);
        for segment in url.path.split('/').map(percent_decode).filter(|segment| segment.chars().count() >= 16) {
            secrets.add(&segment);
        }
        for parameter in url.query.iter().flat_map(|query| query.split('&')) {
            secrets.add(&query_decode(parameter.split_once('=').unwrap_or_default().1));
        }

        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        let (body, content_type) = match &http.content {
            Content::None => (String::new(), None),
            Content::Json(body) => {
                let mut text = String::new();
                expand_body(body, &mut expansion, &mut secrets).await?.unwrap_or(Value::Null).write(&mut text);
                (text, Some("application/json"))
            }
            Content::Form(form) => {
                let members = expand_texts(form, &mut expansion).await?;
                members.iter().for_each(|(_, value)| secrets.add(value));
                let members =
                    members.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
                (members.collect::<Vec<_>>().join("&"), Some("application/x-www-form-urlencoded"))
            }
        };
        if let Some(content_type) = content_type {
            headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
        }
        for (name, value) in expand_texts(&http.headers, &mut expansion).await? {
            let refused = || Error::invalid(format!("http.headers.{name}: the value holds a control character"));
            if holds_control(&value) {
                return Err(refused());
            }
            // The first of several words in Authorization is the scheme.
            let words = match trim(&value).split_once(BLANKS) {
                Some((_, words)) if name.eq_ignore_ascii_case("authorization") => words,
                _ => &value,
            };
            secrets.add_words(words);
            headers.insert(
                http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?,
                http::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refused())?,
            );
        }

        expansion.secrets.iter().for_each(|secret| secrets.add(secret));
        secrets.remove(audience);
        Ok(Request {
            url,
            method: if http.post { http::Method::POST } else { http::Method::GET },
            headers,
            body,
            secrets,
            unix_socket: http.unix_socket.clone(),
            authorities: read_pem(&http.ca_file).await?,
            certificate: read_pem(&http.cert_file).await?,
            key: read_pem(&http.key_file).await?,
        })
    }
}

async fn read_pem(path: &str) -> Result<Vec<u8>> {
    match path {
        "" => Ok(Vec::new()),
        _ => Ok(file::read_text(path, 16 * FILE_LIMIT).await?.into_bytes()),
    }
}

/// Expands what an empty audience does not leave out.
async fn expand_texts(
    templates: &[(String, crate::template::Template)],
    expansion: &mut Expansion,
) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for (name, template) in templates {
        if !expansion.leaves_out(template) {
            texts.push((name.clone(), expansion.expand(template).await?));
        }
    }
    Ok(texts)
}

async fn expand_body(body: &Body, expansion: &mut Expansion, secrets: &mut Secrets) -> Result<Option<Value>> {
    Ok(Some(match body {
        Body::Text(template) if expansion.leaves_out(template) => return Ok(None),
        Body::Text(template) => {
            let text = expansion.expand(template).await?;
            secrets.add(&text);
            Value::String(text)
        }
        Body::Other(value) => value.clone(),
        Body::Array(elements) => {
            let mut values = Vec::new();
            for element in elements {
                values.extend(Box::pin(expand_body(element, expansion, secrets)).await?);
            }
            Value::Array(values)
        }
        Body::Object(members) => {
            let mut values = Vec::new();
            for (name, member) in members {
                let value = Box::pin(expand_body(member, expansion, secrets)).await?;
                values.extend(value.map(|value| (name.clone(), value)));
            }
            Value::Object(values)
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Source};

    async fn expand(members: &str, audience: &str) -> Request {
        let text = format!(
            r#"{{"version": 1, "http": {{"url": "https://a/segment-of-sixteen/${{audience}}?q=query", {members}}}}}"#
        );
        let Source::Http(http) = Document::parse(text.as_bytes()).ok().unwrap().source else { unreachable!() };
        Request::expand(&http, audience).await.ok().unwrap()
    }

    #[tokio::test]
    async fn json() {
        let members = r#""method": "POST", "headers": {"X-A": "${audience}", "X-B": "é"},
            "body": {"a": ["${audience}", 1.50, {"b": "$$"}], "c": "${audience}"}"#;
        let with = expand(members, "x y").await;
        assert_eq!(with.body, r#"{"a":["x y",1.50,{"b":"$"}],"c":"x y"}"#);
        assert_eq!(with.headers["content-type"], "application/json");
        assert_eq!(with.headers["x-b"].as_bytes(), "é".as_bytes());
        assert_eq!(with.url.target(), "/segment-of-sixteen/x%20y?q=query");
        let without = expand(members, "").await;
        assert_eq!(without.body, r#"{"a":[1.50,{"b":"$"}]}"#);
        assert!(!without.headers.contains_key("x-a"));
    }

    #[tokio::test]
    async fn form() {
        let request = expand(r#""method": "POST", "form": {"a b": "&é", "c": "${audience}"}, "headers": {"content-type": "x/y", "Accept-Encoding": "z"}"#, "").await;
        assert_eq!(request.body, "a%20b=%26%C3%A9");
        assert_eq!(request.headers["content-type"], "x/y");
        assert_eq!(request.headers["accept-encoding"], "z");
    }

    #[tokio::test]
    async fn secrets() {
        let members = r#""headers": {"Authorization": "Basic credentials", "X-A": "one-word two-words"}, "query": {"p": "parameter"}"#;
        let request = expand(members, "the-long-audience").await;
        for secret in ["credentials", "one-word", "two-words", "parameter", "query", "segment-of-sixteen"] {
            assert!(request.secrets.are_in(secret), "{secret}");
        }
        for other in ["Basic", "the-long-audience", "identity"] {
            assert!(!request.secrets.are_in(other), "{other}");
        }
    }
}
