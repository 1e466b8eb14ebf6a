//! JSON as the specification needs it: members that are there twice stay visible, and numbers keep their text.

use std::fmt::Write;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

#[derive(Debug, PartialEq)]
pub(crate) enum JsonError {
    Syntax,
    TooDeep,
}

type Result<T> = std::result::Result<T, JsonError>;

/// Parses a text in which objects and lists are at most `depth` levels deep.
pub(crate) fn parse(text: &str, depth: usize) -> Result<Value> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(depth)?;
    parser.skip_white_space();
    if parser.at == text.len() { Ok(value) } else { Err(JsonError::Syntax) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Skips white space, and the text if that is what follows.
    fn take(&mut self, text: &str) -> bool {
        self.skip_white_space();
        let found = self.text[self.at..].starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Result<()> {
        if self.take(text) { Ok(()) } else { Err(JsonError::Syntax) }
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        self.skip_white_space();
        match self.peek() {
            Some(b'{') => {
                let below = depth.checked_sub(1).ok_or(JsonError::TooDeep)?;
                let mut members = Vec::new();
                self.list("{", "}", |parser| {
                    parser.skip_white_space();
                    let name = parser.string()?;
                    parser.expect(":")?;
                    members.push((name, parser.value(below)?));
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            Some(b'[') => {
                let below = depth.checked_sub(1).ok_or(JsonError::TooDeep)?;
                let mut elements = Vec::new();
                self.list("[", "]", |parser| {
                    elements.push(parser.value(below)?);
                    Ok(())
                })?;
                Ok(Value::Array(elements))
            }
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.take("null") => Ok(Value::Null),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ => Err(JsonError::Syntax),
        }
    }

    fn list(&mut self, open: &str, close: &str, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(open)?;
        if self.take(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.take(close) {
                return Ok(());
            }
            self.expect(",")?;
        }
    }

    fn number(&mut self) -> Result<Value> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(JsonError::Syntax);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Result<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(self.at - start) } else { Err(JsonError::Syntax) }
    }

    fn string(&mut self) -> Result<String> {
        if self.peek() != Some(b'"') {
            return Err(JsonError::Syntax);
        }
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let c = rest.chars().next().ok_or(JsonError::Syntax)?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(string),
                '\\' => string.push(self.escape()?),
                '\0'..='\x1f' => return Err(JsonError::Syntax),
                _ => string.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let c = self.peek().ok_or(JsonError::Syntax)?;
        self.at += 1;
        Ok(match c {
            b'"' | b'\\' | b'/' => c as char,
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = before;
                }
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(JsonError::Syntax),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        self.at += 4;
        u32::from_str_radix(digits.ok_or(JsonError::Syntax)?, 16).map_err(|_| JsonError::Syntax)
    }
}

impl Value {
    /// Appends this value as JSON.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(text) => out.push_str(text),
            Value::String(text) => write_string(text, out),
            Value::Array(elements) => write_list(out, '[', ']', elements, |element, out| element.write(out)),
            Value::Object(members) => write_list(out, '{', '}', members, |(name, value), out| {
                write_string(name, out);
                out.push(':');
                value.write(out);
            }),
        }
    }
}

fn write_list<T>(out: &mut String, open: char, close: char, items: &[T], write: impl Fn(&T, &mut String)) {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1f' => write!(out, "\\u{:04x}", c as u32).expect("a String takes all that is written"),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// The digits of a number without zeros at its ends, its sign, and the power of ten of the last digit:
/// numbers are equal if these are.
pub(crate) fn decimal(number: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = digits.len() - significant.len();
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    // An exponent that is too large for an i64 is too large for a double as well.
    let exponent = exponent.parse().unwrap_or(i64::MAX / 2);
    (negative, significant.to_owned(), exponent + zeros as i64 - fraction.len() as i64)
}

/// Whether an IEEE 754 double gives a number back.
pub(crate) fn is_double(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(|double| double.is_finite() && decimal(&format!("{double:e}")) == decimal(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> Result<String> {
        let mut out = String::new();
        parse(text, 4)?.write(&mut out);
        Ok(out)
    }

    #[test]
    fn values() {
        for text in ["null", "[true,false]", r#"{"a":[1,-0.5e3],"a":"b"}"#, r#""é\u0001\"\\""#] {
            assert_eq!(round_trip(text).as_deref(), Ok(text));
        }
        assert_eq!(round_trip(" { } "), Ok("{}".into()));
        assert_eq!(round_trip(r#""\ud83d\ude00\/\ud83d""#), Ok("\"😀/\u{fffd}\"".into()));
    }

    #[test]
    fn not_json() {
        let texts = [
            "",
            "NaN",
            "Infinity",
            "01",
            "1.",
            "+1",
            "[1,]",
            "{\"a\"}",
            "\"\n\"",
            r#""\x""#,
            r#""\u00g0""#,
            "1 2",
            "'a'",
        ];
        for text in texts {
            assert_eq!(round_trip(text), Err(JsonError::Syntax), "{text}");
        }
        assert_eq!(round_trip(r#""\u12é""#), Err(JsonError::Syntax));
        assert_eq!(round_trip("[[[[1]]]]"), Ok("[[[[1]]]]".into()));
        assert_eq!(round_trip("[[[[[]]]]]"), Err(JsonError::TooDeep));
    }

    #[test]
    fn numbers() {
        for number in ["0", "-0.0", "0.1", "100", "1.50", "1e0", "9007199254740992", "1e22", "1.7976931348623157e308"] {
            assert!(is_double(number), "{number}");
        }
        for number in ["12345678901234567890", "1e400", "1e-400", "0.1000000000000000055", "1e99999999999999999999"] {
            assert!(!is_double(number), "{number}");
        }
        assert_eq!(decimal("1.0"), decimal("1e0"));
        assert_ne!(decimal("1"), decimal("-1"));
    }
}
