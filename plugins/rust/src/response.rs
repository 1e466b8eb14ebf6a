use crate::client::{READ_LIMIT, Response};
use crate::error::{Error, Result};
use crate::json::{self, Value};
use crate::token::Token;

/// How deep a response may be nested.
const DEPTH: usize = 256;

impl Response {
    /// The token of a successful response: its text, or what the names of a JSON Pointer lead to.
    pub(crate) fn token(&self, pointer: &[String]) -> Result<Token> {
        if self.body.len() > READ_LIMIT {
            return Err(Error::malformed("the response is larger than 64 KiB"));
        }
        let text = std::str::from_utf8(&self.body).map_err(|_| Error::malformed("the response is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if pointer.is_empty() {
            return Token::new(text);
        }
        let mut value = json::parse(text, DEPTH).map_err(|_| Error::malformed("the response is not JSON"))?;
        for name in pointer {
            value = step(value, name)?.unwrap_or(Value::Null);
        }
        match value {
            Value::String(text) => Token::new(&text),
            _ => Err(Error::malformed(format!("the response holds no string at /{}", pointer.join("/")))),
        }
    }
}

fn step(value: Value, name: &str) -> Result<Option<Value>> {
    match value {
        Value::Object(members) => {
            let mut found = members.into_iter().filter(|(member, _)| member == name).map(|(_, value)| value);
            let first = found.next();
            match found.next() {
                Some(_) => Err(Error::malformed(format!("the response holds the member {name:?} twice"))),
                None => Ok(first),
            }
        }
        Value::Array(mut elements) => {
            let index = name.parse().ok().filter(|index: &usize| index.to_string() == name && *index < elements.len());
            Ok(index.map(|index| elements.swap_remove(index)))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(body: impl Into<Vec<u8>>, pointer: &[&str]) -> Result<String> {
        let pointer: Vec<_> = pointer.iter().map(|name| name.to_string()).collect();
        let response = Response { status: 200, retry_after: None, body: body.into() };
        response.token(&pointer).map(|token| token.expose().to_owned())
    }

    #[test]
    fn found() {
        assert_eq!(token("\u{feff} token\n", &[]).unwrap(), "token");
        assert_eq!(
            token("\u{feff}{\"a\": [0, {\"b\": \"token\"}], \"c\": 1, \"c\": 2}", &["a", "1", "b"]).unwrap(),
            "token"
        );
    }

    #[test]
    fn malformed() {
        let cases: [(&[u8], &[&str]); 9] = [
            (b"", &[]),
            (b"\xfftoken", &[]),
            (b"token", &["a"]),
            (b"{\"a\": NaN}", &["a"]),
            (b"{\"a\": 12345}", &["a"]),
            (b"{\"b\": \"token\"}", &["a"]),
            (b"{\"a\": \"token\", \"a\": \"token\"}", &["a"]),
            (b"[\"token\"]", &["00"]),
            (b"[\"token\"]", &["-"]),
        ];
        for (body, pointer) in cases {
            assert!(token(body, pointer).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert!(token("[".repeat(READ_LIMIT), &["0"]).is_err());
        assert!(token("a".repeat(READ_LIMIT + 1), &[]).unwrap_err().to_string().contains("64 KiB"));
    }
}
