use std::sync::LazyLock;

use crate::json::{self, Value};

/// The documents of the named servers, by name.
static SERVERS: LazyLock<Vec<(String, Value)>> =
    LazyLock::new(|| match json::parse(include_str!("servers.json"), 32) {
        Ok(Value::Object(servers)) => servers,
        _ => unreachable!("a test reads servers.json"),
    });

pub(crate) fn find(name: &str) -> Option<&'static Value> {
    SERVERS.iter().find(|(known, _)| known == name).map(|(_, document)| document)
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SERVERS.iter().map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn documents() {
        assert!(names().is_sorted());
        for name in names() {
            let document = Document::from_json(find(name).unwrap());
            assert!(document.unwrap().hint.is_some(), "{name}");
        }
        assert!(find("GitHub").is_some() && find("github").is_none());
    }
}
