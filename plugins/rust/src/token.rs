use crate::encoding::{decode_base64, trim};
use crate::error::{Error, Result};
use crate::json::{self, Value};

/// A token, which no output may hold: there is no `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new(text: &str) -> Result<Self> {
        let token = trim(text);
        if !(4..=20_000).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::malformed(
                "the token is not 4 to 20,000 characters of printable ASCII without whitespace",
            ));
        }
        Ok(Token(token.to_owned()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The claims that a trust policy is compared with, read without verifying.
    pub(crate) fn describe(&self) -> String {
        let parts: Vec<_> = self.0.split('.').collect();
        let payload = match parts[..] {
            [_, payload, _] => decode_base64(payload).and_then(|payload| String::from_utf8(payload).ok()),
            _ => None,
        };
        let Some(Ok(Value::Object(claims))) = payload.map(|payload| json::parse(&payload, 64)) else {
            return "a token that is not a JWT".to_owned();
        };
        let claims = ["iss", "sub", "aud"].map(|name| {
            let mut text = String::new();
            let claim = claims.iter().find(|(claim, _)| claim == name);
            claim.map_or(&Value::Null, |(_, value)| value).write(&mut text);
            format!("{name} {text}")
        });
        format!("a token with {}", claims.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form() {
        assert!(Token::new("\r\n abcd\t").is_ok_and(|token| token.expose() == "abcd"));
        for text in ["abc", "ab cd", "abcé", "\u{a0}abcd", "abc\u{c}d", &"a".repeat(20_001)] {
            assert!(Token::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn claims() {
        // {"iss":"i","sub":"s","aud":["a"]}
        let token = Token::new("e30.eyJpc3MiOiJpIiwic3ViIjoicyIsImF1ZCI6WyJhIl19.c2ln").ok().unwrap();
        assert_eq!(token.describe(), r#"a token with iss "i", sub "s", aud ["a"]"#);
        for text in ["opaque", "a.b.c", "e30.W10.x"] {
            assert_eq!(Token::new(&format!("{text:.<4}")).ok().unwrap().describe(), "a token that is not a JWT");
        }
    }
}
