//! Whether a response may hold a secret of its request (SECRET-2).

use crate::encoding::{BLANKS, percent_decode};

/// The secrets of a request.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Adds a text and each of its words.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.push(text.to_owned());
        self.add_words(text);
    }

    pub(crate) fn add_words(&mut self, text: &str) {
        self.0.extend(text.split(BLANKS).map(str::to_owned));
    }

    /// Takes out an audience, which is none.
    pub(crate) fn remove(&mut self, audience: &str) {
        self.0.retain(|secret| secret != audience && !audience.split(BLANKS).any(|word| word == secret));
    }

    /// Whether a text may hold one of these, or a JWT.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let texts = undone(text);
        texts.iter().any(|text| holds_jwt(text))
            || self.0.iter().flat_map(|secret| undone(secret)).any(|secret| {
                let length = secret.chars().count();
                let cut = (3 * length).div_ceil(4);
                let first: String = secret.chars().take(cut).collect();
                let last: String = secret.chars().skip(length - cut).collect();
                length >= 4 && texts.iter().any(|text| text.contains(&first) || text.contains(&last))
            })
    }
}

/// A text as it is, with its escapes undone, and with them undone twice, each without white space.
fn undone(text: &str) -> [String; 3] {
    let once = undo(text);
    let twice = undo(&once);
    [text, &once, &twice].map(|text| text.split_whitespace().collect())
}

/// Replaces escapes of JSON, percent-encoding and character references of HTML, in this order.
fn undo(text: &str) -> String {
    undo_html(&percent_decode(&undo_json(text)))
}

fn undo_json(text: &str) -> String {
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        undone.push_str(before);
        let code = |hex: Option<&str>| {
            let hex = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u32::from_str_radix(hex, 16).ok()
        };
        let unit = |text: &str| text.strip_prefix('u').and_then(|after| code(after.get(..4)));
        let (c, length) = match after.chars().next() {
            Some('u') => match unit(after) {
                Some(high @ 0xd800..0xdc00) => match after.get(5..).and_then(|a| a.strip_prefix('\\')).and_then(unit) {
                    Some(low @ 0xdc00..0xe000) => {
                        (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 11)
                    }
                    _ => (Some(char::REPLACEMENT_CHARACTER), 5),
                },
                unit => (unit.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)), 5),
            },
            Some('x') => (code(after.get(1..3)).and_then(char::from_u32), 3),
            Some(c @ ('/' | '"' | '\\' | '\'')) => (Some(c), 1),
            Some('b') => (Some('\x08'), 1),
            Some('f') => (Some('\x0c'), 1),
            Some('n') => (Some('\n'), 1),
            Some('r') => (Some('\r'), 1),
            Some('t') => (Some('\t'), 1),
            _ => (None, 0),
        };
        undone.push(c.unwrap_or('\\'));
        rest = if c.is_some() { &after[length..] } else { after };
    }
    undone + rest
}

fn undo_html(text: &str) -> String {
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        undone.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        match reference {
            Some((c, after)) => {
                undone.push(c);
                rest = after;
            }
            None => {
                undone.push('&');
                rest = after;
            }
        }
    }
    undone + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// Whether a text holds `eyJ` and five more characters of base64url.
fn holds_jwt(text: &str) -> bool {
    text.match_indices("eyJ").any(|(at, _)| {
        let rest = text.as_bytes()[at + 3..].iter();
        rest.take_while(|&&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_').take(5).count() == 5
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        texts.iter().for_each(|text| secrets.add(text));
        secrets
    }

    #[test]
    fn found_in_any_encoding() {
        let secret = "p/w+\"x\"&<y>é";
        let secrets = secrets(&[secret]);
        let forms = [
            secret.to_owned(),
            "p\\/w\\u002B\\\"x\\\"&<y>\\u00e9".to_owned(),
            "p&#x2f;w&#43;&quot;x&quot;&amp;&lt;y&gt;&#233;".to_owned(),
            crate::encoding::percent_encode(secret),
            crate::encoding::percent_encode(&crate::encoding::percent_encode(secret)),
            secret.chars().map(|c| format!("{c}\n")).collect(),
            secret.chars().take(9).collect(),
            secret.chars().skip(3).collect(),
        ];
        for form in forms {
            assert!(secrets.are_in(&format!("refused: {form}.")), "{form}");
        }
        assert!(!secrets.are_in("p/w+\"x\"&"), "two thirds");
    }

    #[test]
    fn short_or_absent() {
        assert!(!secrets(&["abc", ""]).are_in("abc"));
        assert!(secrets(&["Bearer abcd"]).are_in("xabcdx"));
        assert!(!secrets(&["abcdefgh"]).are_in("nothing \\u12 \\ %4 &#; &#x110000; & %"));
    }

    #[test]
    fn jwt() {
        let none = Secrets::default();
        assert!(none.are_in("a eyJhbGci b") && none.are_in("eyJ hbGc_") && none.are_in("eyJeyJabcde"));
        assert!(!none.are_in("eyJabcd") && !none.are_in("eyJ"));
    }

    #[test]
    fn audience() {
        let mut secrets = secrets(&["api://my audience", "other-secret"]);
        secrets.remove("api://my audience");
        assert!(!secrets.are_in("api://my audience"));
        assert!(secrets.are_in("other-secret"));
    }
}
