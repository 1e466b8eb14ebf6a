//! Encodings, and the blanks around what is encoded.

/// Blanks: space, tab, carriage return and line feed, and nothing else.
pub(crate) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(BLANKS)
}

/// Decodes base64 in either alphabet, with the whole of its padding or without any, and with blanks anywhere.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut digits: String = text
        .chars()
        .filter(|c| !BLANKS.contains(c))
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            _ => c,
        })
        .collect();
    if !digits.contains('=') {
        digits.push_str(&"=".repeat((4 - digits.len() % 4) % 4));
    }
    aws_smithy_types::base64::decode(digits).ok()
}

/// Percent-encodes all but the unreserved characters.
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Decodes what is percent-encoded, and leaves alone what is not.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%').and_then(|hex| {
            let hex = std::str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(hex, 16).ok()
        });
        decoded.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Decodes a part of a query, in which a plus is a space.
pub(crate) fn query_decode(text: &str) -> String {
    percent_decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64() {
        for text in ["e30=", "e30", " e3 0\n", "e3\r\n0="] {
            assert_eq!(decode_base64(text).as_deref(), Some(&b"{}"[..]), "{text}");
        }
        assert_eq!(decode_base64("-_8"), decode_base64("+/8="));
        for text in ["e30==", "e", "e3", "é", "e=30", "="] {
            assert!(decode_base64(text).is_none(), "{text}");
        }
    }

    #[test]
    fn percent() {
        assert_eq!(percent_encode("a b/é~"), "a%20b%2F%C3%A9~");
        assert_eq!(percent_decode("a%20b%2f%C3%A9%zz%4"), "a b/é%zz%4");
        assert_eq!(query_decode("a+b%2B"), "a b+");
    }
}
