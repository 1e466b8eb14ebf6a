use crate::encoding::percent_encode;
use crate::error::{Error, Result};
use crate::file;

/// The largest file that a reference stands for.
pub(crate) const FILE_LIMIT: usize = 64 * 1024;

/// A string of a document with its references.
#[derive(Clone, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, PartialEq)]
enum Part {
    Literal(String),
    Env { name: String, default: Option<String> },
    File(String),
    Audience,
}

impl Template {
    /// Reads a template; `path` names it in errors.
    pub(crate) fn parse(text: &str, path: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('$') {
            parts.push(Part::Literal(literal.to_owned()));
            let (part, after) = reference(after, path)?.ok_or_else(|| {
                Error::invalid(format!(
                    "{path}: a $ begins none of ${{env:NAME}}, ${{env:NAME:-DEFAULT}}, ${{file:PATH}}, ${{audience}} and $$"
                ))
            })?;
            parts.push(part);
            rest = after;
        }
        parts.push(Part::Literal(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        Ok(Template(parts))
    }

    pub(crate) fn mentions_audience(&self) -> bool {
        self.0.contains(&Part::Audience)
    }

    /// The text of a template without references.
    pub(crate) fn literal(&self) -> Option<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The variable at the beginning.
    pub(crate) fn first_variable(&self) -> Option<&str> {
        match self.0.first() {
            Some(Part::Env { name, .. }) => Some(name),
            _ => None,
        }
    }
}

fn reference<'a>(after_dollar: &'a str, path: &str) -> Result<Option<(Part, &'a str)>> {
    if let Some(after) = after_dollar.strip_prefix('$') {
        return Ok(Some((Part::Literal("$".to_owned()), after)));
    }
    let Some((inside, after)) = after_dollar.strip_prefix('{').and_then(|text| text.split_once('}')) else {
        return Ok(None);
    };
    if inside.contains(['$', '{']) {
        return Ok(None);
    }
    let part = if inside == "audience" {
        Part::Audience
    } else if let Some(file) = inside.strip_prefix("file:").filter(|file| !file.is_empty()) {
        Part::File(file.to_owned())
    } else if let Some(variable) = inside.strip_prefix("env:") {
        let (name, default) = match variable.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (variable, None),
        };
        if !has_variable_syntax(name) {
            return Ok(None);
        }
        check_variable(name, path)?;
        Part::Env { name: name.to_owned(), default }
    } else {
        return Ok(None);
    };
    Ok(Some((part, after)))
}

/// Whether a text has the form of a variable's name.
pub(crate) fn has_variable_syntax(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

/// Refuses what looks like a secret in the place of a variable's name, without repeating it.
pub(crate) fn check_variable(name: &str, place: &str) -> Result<()> {
    const SECRETS: [&str; 8] = ["eyJ", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "AKIA", "ASIA"];
    if name.len() > 64 || SECRETS.iter().any(|secret| name.starts_with(secret)) {
        let problem = format!("{place}: what stands in the place of a variable's name looks like a secret");
        return Err(Error::invalid(problem).with_hint("write the name of the variable that holds it"));
    }
    Ok(())
}

/// The value of a variable that must be there.
pub(crate) fn read_variable(name: &str) -> Result<String> {
    match std::env::var_os(name) {
        None => Err(Error::not_configured(format!("the variable {name} is not set"))),
        Some(value) => match value.into_string() {
            Ok(value) if crate::encoding::trim(&value).is_empty() => {
                Err(Error::not_configured(format!("the variable {name} is empty")))
            }
            Ok(value) => Ok(value),
            Err(_) => Err(Error::invalid(format!("the variable {name} is not UTF-8"))),
        },
    }
}

/// What references stand for, for one token.
pub(crate) struct Expansion {
    pub(crate) audience: String,
    /// What each variable and file stood for.
    pub(crate) secrets: Vec<String>,
}

impl Expansion {
    pub(crate) fn new(audience: &str) -> Self {
        Expansion { audience: audience.to_owned(), secrets: Vec::new() }
    }

    /// Whether what has this value is not sent.
    pub(crate) fn leaves_out(&self, template: &Template) -> bool {
        self.audience.is_empty() && template.mentions_audience()
    }

    pub(crate) async fn expand(&mut self, template: &Template) -> Result<String> {
        self.expand_with(template, str::to_owned).await
    }

    /// Expands the template of a URL, in which the audience is percent-encoded.
    pub(crate) async fn expand_url(&mut self, template: &Template) -> Result<String> {
        self.expand_with(template, percent_encode).await
    }

    async fn expand_with(&mut self, template: &Template, audience: fn(&str) -> String) -> Result<String> {
        let mut text = String::new();
        for part in &template.0 {
            let value = match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Audience => {
                    text.push_str(&audience(&self.audience));
                    continue;
                }
                Part::Env { name, default } => match (read_variable(name), default) {
                    (Err(_), Some(default)) => default.clone(),
                    (value, _) => value?,
                },
                Part::File(path) => file::read_text(path, FILE_LIMIT).await?,
            };
            text.push_str(&value);
            self.secrets.push(value);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn expands_once() {
        let template = Template::parse("a$$${env:AWSTOKENSERVER_NONE:-x y}${audience}$${audience}", "p").unwrap();
        let mut expansion = Expansion::new("${env:HOME}/");
        assert_eq!(expansion.expand(&template).await.unwrap(), "a$x y${env:HOME}/${audience}");
        assert_eq!(expansion.expand_url(&template).await.unwrap(), "a$x y%24%7Benv%3AHOME%7D%2F${audience}");
        assert_eq!(expansion.secrets, ["x y", "x y"]);
    }

    #[test]
    fn lone_dollars() {
        for text in [
            "$",
            "a$b",
            "${",
            "${x}",
            "${env:}",
            "${env:1}",
            "${env:A:-{}",
            "${file:}",
            "${file:a$b}",
            "${audience",
            "${env:A-b}",
        ] {
            let error = Template::parse(text, "http.url").err().unwrap();
            assert!(error.to_string().contains("http.url"), "{text}: {error}");
        }
    }

    #[test]
    fn secrets_are_no_names() {
        for name in ["eyJhbGciOiJIUzI1NiJ9", "ghp_abc", "AKIAIOSFODNN7EXAMPLE", &"A".repeat(65)] {
            let error = Template::parse(&format!("${{env:{name}}}"), "env").err().unwrap().to_string();
            assert!(!error.contains(name), "{error}");
        }
        assert!(Template::parse(&format!("${{env:{}}}", "A".repeat(64)), "env").is_ok());
    }
}
