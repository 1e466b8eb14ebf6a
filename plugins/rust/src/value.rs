use crate::document::Document;
use crate::encoding::{decode_base64, trim};
use crate::error::{Error, Result};
use crate::json;
use crate::servers;
use crate::template::{check_variable, has_variable_syntax};

const FORMS: &str = "write a server's name, or URL_VARIABLE,TOKEN_VARIABLE, or a base64-encoded JSON document, \
                     each with an optional ,AUDIENCE";

/// What a value of `web_identity_token_server` names: a document, and an audience for it.
#[derive(Clone)]
pub(crate) struct TokenServer {
    pub(crate) document: Document,
    pub(crate) audience: String,
}

impl TokenServer {
    /// Reads a value by the grammar of VALUE-1. Errors do not repeat it, for it may be a secret.
    pub(crate) fn parse(value: &str) -> Result<Self> {
        let (first, rest) = part(value);
        if let Some(document) = servers::find(first) {
            return TokenServer::new(Document::from_json(document)?, rest);
        }
        if let Some(name) = servers::names().find(|name| letters_and_digits(name) == letters_and_digits(first)) {
            return Err(Error::invalid("names are spelled exactly").with_hint(format!("write {name}")));
        }
        let (second, audience) = part(rest.unwrap_or_default());
        let is_pair = has_variable_syntax(first) && has_variable_syntax(second);
        if let Some(text) = decode_base64(first).filter(|text| text.trim_ascii_start().starts_with(b"{")) {
            let is_json =
                || std::str::from_utf8(&text).is_ok_and(|text| json::parse(text, 256) != Err(json::JsonError::Syntax));
            if !is_pair || is_json() {
                return TokenServer::new(Document::parse(&text)?, rest);
            }
        }
        if is_pair {
            check_variable(first, "the pair of variables")?;
            check_variable(second, "the pair of variables")?;
            return TokenServer::new(Document::of_pair(first, second)?, audience);
        }
        let names: Vec<_> = servers::names().collect();
        Err(Error::invalid("the value names no token server")
            .with_hint(format!("{FORMS}; the names are {}", names.join(", "))))
    }

    fn new(document: Document, audience: Option<&str>) -> Result<Self> {
        let audience = audience.map_or(document.audience.clone(), |audience| trim(audience).to_owned());
        if audience.is_empty() && document.needs_audience() {
            return Err(Error::invalid("this token server needs an audience").with_hint("append it: VALUE,AUDIENCE"));
        }
        if !audience.is_empty() && !document.mentions_audience() {
            return Err(
                Error::invalid("this token server takes no audience").with_hint("remove the comma and the audience")
            );
        }
        Ok(TokenServer { document, audience })
    }
}

/// What comes before the first comma, and what follows it.
fn part(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((first, rest)) => (trim(first), Some(rest)),
        None => (trim(text), None),
    }
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Source;

    fn audience(value: &str) -> String {
        TokenServer::parse(value).expect(value).audience
    }

    #[test]
    fn names() {
        assert_eq!(audience(" GitHub\n"), "sts.amazonaws.com");
        assert_eq!(audience("GitHub , a,b "), "a,b");
        assert_eq!(audience("GitHub,"), "");
        for value in ["github", "git-hub,x", "GITHUB,sts.amazonaws.com"] {
            assert!(TokenServer::parse(value).err().unwrap().to_string().contains("write GitHub"), "{value}");
        }
        assert!(TokenServer::parse("AzureIMDS").is_err());
        assert!(TokenServer::parse("CircleCI,x").is_err());
    }

    #[test]
    fn pairs() {
        assert_eq!(audience("URL_VAR,TOKEN_VAR"), "");
        assert_eq!(audience("URL_VAR , TOKEN_VAR , a,b"), "a,b");
        let is_http = |value| matches!(TokenServer::parse(value).unwrap().document.source, Source::Http(_));
        assert!(is_http("e2e_url,e2e_token"));
        for value in ["URL_VAR,eyJhbGciOiJIUzI1NiJ9", "URL_VAR,ghp_no_real_token"] {
            let error = TokenServer::parse(value).err().unwrap().to_string();
            assert!(!error.contains(&value[8..]), "{error}");
        }
    }

    #[test]
    fn documents() {
        // {"version":1,"env":"A"}
        let document = "eyJ2ZXJzaW9uIjoxLCJlbnYiOiJBIn0";
        for value in [document, &format!("{document}="), "eyJ2ZXJzaW9u\n IjoxLCJlbnYiOiJBIn0=", &format!("{document},")]
        {
            assert!(matches!(TokenServer::parse(value).expect(value).document.source, Source::Env(_)));
        }
        for value in [
            "eyJ2ZXJzaW9uIjoxLCJlbnYiOiJBIn0==",
            "eyJ2ZXJzaW9uIjoxLCJlbnYiOiJBIn",
            "{\"version\":1}",
            "one two",
            "",
            ",",
            "A",
            "A,",
        ] {
            let error = TokenServer::parse(value).err().expect(value);
            assert!(value.len() < 4 || !error.to_string().contains(value), "{error}");
        }
    }
}
