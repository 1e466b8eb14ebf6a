use crate::encoding::trim;
use crate::error::{Error, Result};
use crate::json::{self, JsonError, Value};
use crate::template::{Template, check_variable, has_variable_syntax};
use crate::url::Url;

/// How deep values may be nested in a document.
const DEPTH: usize = 32;

/// Where a token comes from: version 1 of the format that document.schema.json describes.
#[derive(Clone)]
pub(crate) struct Document {
    /// The default audience.
    pub(crate) audience: String,
    pub(crate) source: Source,
    pub(crate) hint: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Source {
    Http(Box<Http>),
    Env(String),
    File(Template),
}

/// The one request to a token server.
#[derive(Clone, Default)]
pub(crate) struct Http {
    pub(crate) url: Option<Template>,
    pub(crate) post: bool,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) content: Content,
    /// Paths; empty where there is none.
    pub(crate) unix_socket: String,
    pub(crate) ca_file: String,
    pub(crate) cert_file: String,
    pub(crate) key_file: String,
    /// The names on the way to the token in a JSON response.
    pub(crate) token: Vec<String>,
    /// Statuses that pass.
    pub(crate) retry: Vec<u16>,
}

#[derive(Clone, Default)]
pub(crate) enum Content {
    #[default]
    None,
    Json(Body),
    Form(Vec<(String, Template)>),
}

/// A JSON value whose strings are templates.
#[derive(Clone)]
pub(crate) enum Body {
    Text(Template),
    Other(Value),
    Array(Vec<Body>),
    Object(Vec<(String, Body)>),
}

impl Document {
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|_| Error::invalid("the document is not UTF-8"))?;
        match json::parse(text, DEPTH) {
            Ok(value) => Document::from_json(&value),
            Err(JsonError::TooDeep) => {
                Err(Error::invalid(format!("the document is nested deeper than {DEPTH} levels")))
            }
            Err(JsonError::Syntax) => Err(Error::invalid("the document is not JSON")),
        }
    }

    pub(crate) fn from_json(value: &Value) -> Result<Self> {
        let top = Members::new(value, "")?;
        match top.get("version") {
            Some(Value::Number(number)) if json::decimal(number) == json::decimal("1") => {}
            _ => return Err(Error::invalid("version: must be 1")),
        }
        top.only(&["version", "about", "audience", "http", "env", "file", "hint"])?;
        top.text("about")?;
        let hint = top.text("hint")?;
        if hint.is_some_and(|hint| hint.chars().any(char::is_control)) {
            return Err(Error::invalid("hint: must not hold a control character"));
        }
        let source = match (top.get("http"), top.text("env")?, top.text("file")?) {
            (Some(http), None, None) => Source::Http(Box::new(read_http(&Members::new(http, "http")?)?)),
            (None, Some(name), None) if has_variable_syntax(name) => {
                check_variable(name, "env")?;
                Source::Env(name.to_owned())
            }
            (None, Some(_), None) => return Err(Error::invalid("env: must be the name of a variable")),
            (None, None, Some("")) => return Err(Error::invalid("file: must not be empty")),
            (None, None, Some(path)) => Source::File(Template::parse(path, "file")?),
            _ => return Err(Error::invalid("exactly one of http, env and file must be there")),
        };
        let audience = top.text("audience")?.map(trim).unwrap_or_default().to_owned();
        let document = Document { audience, source, hint: hint.map(str::to_owned) };
        if !document.audience.is_empty() && !document.mentions_audience() {
            return Err(Error::invalid("audience: nothing in the document mentions ${audience}"));
        }
        Ok(document)
    }

    /// What a pair of variables stands for: GitHub's contract under other names.
    pub(crate) fn of_pair(url: &str, token: &str) -> Result<Self> {
        let template = |text: String| Template::parse(&text, "the pair of variables");
        let http = Http {
            url: Some(template(format!("${{env:{url}}}"))?),
            headers: vec![("Authorization".to_owned(), template(format!("Bearer ${{env:{token}}}"))?)],
            query: vec![("audience".to_owned(), template("${audience}".to_owned())?)],
            token: vec!["value".to_owned()],
            ..Http::default()
        };
        Ok(Document { audience: String::new(), source: Source::Http(Box::new(http)), hint: None })
    }

    pub(crate) fn mentions_audience(&self) -> bool {
        self.needs_audience()
            || matches!(&self.source, Source::Http(http) if {
                http.headers.iter().chain(&http.query).any(|(_, value)| value.mentions_audience())
                    || match &http.content {
                        Content::None => false,
                        Content::Json(body) => body.mentions_audience(),
                        Content::Form(form) => form.iter().any(|(_, value)| value.mentions_audience()),
                    }
            })
    }

    /// Whether there is no sense in it without an audience.
    pub(crate) fn needs_audience(&self) -> bool {
        match &self.source {
            Source::Http(http) => http.url.as_ref().is_some_and(Template::mentions_audience),
            Source::File(path) => path.mentions_audience(),
            Source::Env(_) => false,
        }
    }
}

impl Body {
    fn read(value: &Value, path: &str) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Body::Text(Template::parse(text, path)?),
            Value::Number(number) if !json::is_double(number) => {
                return Err(Error::invalid(format!("{path}: a number must be one that an IEEE 754 double gives back")));
            }
            Value::Array(elements) => {
                let elements = elements.iter().enumerate();
                Body::Array(
                    elements
                        .map(|(i, element)| Body::read(element, &join(path, &i.to_string())))
                        .collect::<Result<_>>()?,
                )
            }
            Value::Object(_) => {
                let members = Members::new(value, path)?;
                Body::Object(members.map(Body::read)?)
            }
            other => Body::Other(other.clone()),
        })
    }

    fn mentions_audience(&self) -> bool {
        match self {
            Body::Text(text) => text.mentions_audience(),
            Body::Other(_) => false,
            Body::Array(elements) => elements.iter().any(Body::mentions_audience),
            Body::Object(members) => members.iter().any(|(_, member)| member.mentions_audience()),
        }
    }
}

fn read_http(http: &Members<'_>) -> Result<Http> {
    http.only(&[
        "url",
        "method",
        "headers",
        "query",
        "body",
        "form",
        "unix_socket",
        "ca_file",
        "cert_file",
        "key_file",
        "token",
        "retry",
    ])?;
    let path_of = |name| Ok::<_, Error>(http.text(name)?.unwrap_or_default().to_owned());
    let read = Http {
        url: match http.text("url")? {
            None | Some("") => return Err(Error::invalid("http.url: must be there")),
            Some(url) => Some(Template::parse(url, "http.url")?),
        },
        post: match http.text("method")? {
            None | Some("GET") => false,
            Some("POST") => true,
            Some(_) => return Err(Error::invalid("http.method: must be GET or POST")),
        },
        headers: read_headers(http)?,
        query: read_texts(http, "query")?,
        content: match (http.get("body"), http.get("form")) {
            (None | Some(Value::Null), None) => Content::None,
            (Some(body @ Value::Object(_)), None) => Content::Json(Body::read(body, "http.body")?),
            (None | Some(Value::Null), Some(_)) => Content::Form(read_texts(http, "form")?),
            (_, None) => return Err(Error::invalid("http.body: must be an object")),
            _ => return Err(Error::invalid("http.form: does not go with http.body")),
        },
        unix_socket: path_of("unix_socket")?,
        ca_file: path_of("ca_file")?,
        cert_file: path_of("cert_file")?,
        key_file: path_of("key_file")?,
        token: read_pointer(http.text("token")?.unwrap_or_default())?,
        retry: read_statuses(http.get("retry"))?,
    };
    if !read.post && !matches!(read.content, Content::None) {
        return Err(Error::invalid("http.method: http.body and http.form need POST"));
    }
    if read.cert_file.is_empty() != read.key_file.is_empty() {
        return Err(Error::invalid("http.cert_file and http.key_file: one does not go without the other"));
    }
    if let Some(url) = read.url.as_ref().and_then(Template::literal) {
        Url::parse(&url, "http.url", !read.unix_socket.is_empty())?;
    }
    Ok(read)
}

fn read_headers(http: &Members<'_>) -> Result<Vec<(String, Template)>> {
    let headers = read_texts(http, "headers")?;
    for (i, (name, value)) in headers.iter().enumerate() {
        let refuse = |problem: &str| Err(Error::invalid(format!("{}: {problem}", join("http.headers", name))));
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) || name.is_empty() {
            return refuse("is not the name of a header");
        }
        if ["host", "content-length", "transfer-encoding", "connection"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            return refuse("cannot be set");
        }
        if headers[..i].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return refuse("is there twice");
        }
        if value.literal().is_some_and(|value| holds_control(&value)) {
            return refuse("the value holds a control character");
        }
    }
    Ok(headers)
}

/// Whether a header's value holds a control character.
pub(crate) fn holds_control(value: &str) -> bool {
    value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
}

fn read_texts(http: &Members<'_>, name: &str) -> Result<Vec<(String, Template)>> {
    let Some(value) = http.get(name) else {
        return Ok(Vec::new());
    };
    let members = Members::new(value, &join("http", name))?;
    members.map(|value, path| match value {
        _ if path.ends_with(".\"\"") => Err(Error::invalid(format!("{path}: must have a name"))),
        Value::String(text) => Template::parse(text, path),
        _ => Err(Error::invalid(format!("{path}: must be a string"))),
    })
}

fn read_pointer(pointer: &str) -> Result<Vec<String>> {
    let tildes = pointer.match_indices('~').all(|(at, _)| matches!(pointer.as_bytes().get(at + 1), Some(b'0' | b'1')));
    match pointer.strip_prefix('/') {
        None if pointer.is_empty() => Ok(Vec::new()),
        Some(names) if tildes => Ok(names.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect()),
        _ => Err(Error::invalid("http.token: must be a JSON Pointer")),
    }
}

fn read_statuses(retry: Option<&Value>) -> Result<Vec<u16>> {
    let refused = || Error::invalid("http.retry: must be 1 to 8 different statuses from 400 to 499");
    let Some(retry) = retry else {
        return Ok(Vec::new());
    };
    let Value::Array(elements) = retry else {
        return Err(refused());
    };
    let mut statuses = Vec::new();
    for element in elements {
        let status = (400..=499).find(|status: &u16| {
            matches!(element, Value::Number(number) if json::decimal(number) == json::decimal(&status.to_string()))
        });
        statuses.push(status.filter(|status| !statuses.contains(status)).ok_or_else(refused)?);
    }
    if (1..=8).contains(&statuses.len()) { Ok(statuses) } else { Err(refused()) }
}

/// The members of an object, and its path.
struct Members<'a> {
    members: &'a [(String, Value)],
    path: String,
}

impl<'a> Members<'a> {
    fn new(value: &'a Value, path: &str) -> Result<Self> {
        let Value::Object(members) = value else {
            let path = if path.is_empty() { "the document" } else { path };
            return Err(Error::invalid(format!("{path}: must be an object")));
        };
        for (i, (name, _)) in members.iter().enumerate() {
            if members[..i].iter().any(|(other, _)| other == name) {
                return Err(Error::invalid(format!("{}: is there twice", join(path, name))));
            }
        }
        Ok(Members { members, path: path.to_owned() })
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid(format!("{}: must be a string", join(&self.path, name)))),
        }
    }

    fn only(&self, known: &[&str]) -> Result<()> {
        match self.members.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid(format!("{}: is not known", join(&self.path, name)))
                .with_hint(format!("known are {}", known.join(", ")))),
        }
    }

    fn map<T>(&self, read: impl Fn(&Value, &str) -> Result<T>) -> Result<Vec<(String, T)>> {
        self.members.iter().map(|(name, value)| Ok((name.clone(), read(value, &join(&self.path, name))?))).collect()
    }
}

/// The path of a member. A name that is long or odd is quoted and cut.
fn join(path: &str, name: &str) -> String {
    let plain =
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let name = if plain { name.to_owned() } else { format!("{:?}", name.chars().take(64).collect::<String>()) };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Document::parse(text.as_bytes()).err().expect(text).to_string()
    }

    fn of_http(members: &str) -> String {
        format!(r#"{{"version": 1, "http": {{"url": "https://a", {members}}}}}"#)
    }

    #[test]
    fn accepted() {
        for text in [
            r#"{"version": 1.0, "env": "A"}"#,
            r#"{"version": 1e0, "file": "/a", "about": "b", "hint": "c", "audience": ""}"#,
            &of_http(r#""method": "POST", "body": {"a": [1, 0.1, 1.50, null, true, "x"]}, "token": "/a~1b/~0""#),
            &of_http(r#""method": "POST", "form": {"a": "b"}, "retry": [404, 410], "body": null"#),
            &of_http(r#""unix_socket": "", "cert_file": "", "query": {}, "headers": {"X-A": "é\t"}"#),
        ] {
            assert!(Document::parse(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn refused_by_path() {
        let cases = [
            ("[]", "the document"),
            ("{}", "version"),
            (r#"{"version": 2, "env": "A"}"#, "version"),
            (r#"{"version": "1", "env": "A"}"#, "version"),
            (r#"{"version": 1}"#, "exactly one"),
            (r#"{"version": 1, "env": "A", "file": "b"}"#, "exactly one"),
            (r#"{"version": 1, "env": "A", "env": "A"}"#, "env: is there twice"),
            (r#"{"version": 1, "env": "A", "Env": "A"}"#, "Env: is not known"),
            (r#"{"version": 1, "env": "A-B"}"#, "env"),
            (r#"{"version": 1, "env": "A", "hint": "a\u0085"}"#, "hint"),
            (r#"{"version": 1, "env": "A", "audience": "b"}"#, "audience"),
            (r#"{"version": 1, "file": ""}"#, "file"),
            (r#"{"version": 1, "http": []}"#, "http: must be an object"),
            (r#"{"version": 1, "http": {}}"#, "http.url"),
            (r#"{"version": 1, "http": {"url": "http://example.com"}}"#, "http.url"),
            (&of_http(r#""method": "PUT""#), "http.method"),
            (&of_http(r#""body": {}"#), "POST"),
            (&of_http(r#""form": {}"#), "POST"),
            (&of_http(r#""method": "POST", "form": null"#), "http.form"),
            (&of_http(r#""method": "POST", "form": {}, "body": {}"#), "http.form"),
            (&of_http(r#""method": "POST", "body": []"#), "http.body"),
            (&of_http(r#""method": "POST", "body": {"a": [{"b": "$"}]}"#), "http.body.a.0.b"),
            (&of_http(r#""method": "POST", "body": {"a": {"b": 1, "b": 1}}"#), "http.body.a.b"),
            (&of_http(r#""method": "POST", "body": {"a": 12345678901234567890}"#), "http.body.a"),
            (&of_http(r#""headers": {"Host": "a"}"#), "http.headers.Host"),
            (&of_http(r#""headers": {"a": "1", "A": "2"}"#), "http.headers.A"),
            (&of_http(r#""headers": {"a b": "1"}"#), "http.headers.\"a b\""),
            (&of_http(r#""headers": {"a": "\u0000"}"#), "http.headers.a"),
            (&of_http(r#""query": {"": "a"}"#), "http.query"),
            (&of_http(r#""query": {"a": 1}"#), "http.query.a"),
            (&of_http(r#""token": "a""#), "http.token"),
            (&of_http(r#""token": "/~2""#), "http.token"),
            (&of_http(r#""key_file": "a""#), "http.cert_file"),
            (&of_http(r#""retry": []"#), "http.retry"),
            (&of_http(r#""retry": [404, 404.0]"#), "http.retry"),
            (&of_http(r#""retry": [500]"#), "http.retry"),
            (&of_http(r#""retry": 404"#), "http.retry"),
        ];
        for (text, expected) in cases {
            assert!(problem(text).contains(expected), "{text}: {}", problem(text));
        }
        let deep = of_http(&format!(r#""body": {}1{}"#, "[".repeat(40), "]".repeat(40)));
        assert!(problem(&deep).contains("32 levels"));
        assert!(Document::parse(b"{\"version\": 1, \"env\": \"\xff\"}").is_err());
    }
}
