use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::encoding::{percent_encode, query_decode};
use crate::error::{Error, Result};

/// A checked URL of a token server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Url {
    pub(crate) https: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as they are written.
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
}

impl Url {
    /// Reads a URL. Errors name `origin`, and hold no part of the URL.
    pub(crate) fn parse(text: &str, origin: &str, over_socket: bool) -> Result<Self> {
        let refuse = |problem: &str| Err(Error::invalid(format!("{origin}: {problem}")));
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return refuse("the URL holds white space or a control character");
        }
        if text.contains('#') {
            return refuse("the URL must not have a fragment");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("must be an https URL");
        };
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return refuse("must be an https URL");
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return refuse("the URL must not hold a user");
        }
        let Some((host, port)) = split_authority(authority, https) else {
            return refuse("the host of the URL is malformed");
        };
        if !https && !over_socket && !is_local(host) {
            return refuse("must be an https URL, for its host is neither loopback nor a metadata service");
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Ok(Url {
            https,
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: query.map(str::to_owned),
        })
    }

    /// Whether only addresses of this machine or its metadata service are connected to, and no proxy.
    pub(crate) fn is_local(&self) -> bool {
        is_local(&self.host)
    }

    /// Whether an address is one that the host may stand for, where plain http is sent to it.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        match self.host.to_ascii_lowercase().as_str() {
            _ if self.https => true,
            "localhost" => address.is_loopback(),
            "metadata.google.internal" => METADATA_GOOGLE.contains(&address),
            _ => true,
        }
    }

    /// Puts parameters in the place of those of the same name, and leaves all other bytes alone.
    pub(crate) fn set_parameters(&mut self, parameters: &[(String, String)]) {
        if parameters.is_empty() {
            return;
        }
        let named = |part: &str| {
            let name = query_decode(part.split_once('=').map_or(part, |(name, _)| name));
            parameters.iter().any(|(parameter, _)| *parameter == name)
        };
        let query = self.query.take().unwrap_or_default();
        let kept = query.split('&').filter(|part| !query.is_empty() && !named(part)).map(str::to_owned);
        let added =
            parameters.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
        self.query = Some(kept.chain(added).collect::<Vec<_>>().join("&"));
    }

    /// Path and query as they are sent.
    pub(crate) fn target(&self) -> String {
        let target = match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        };
        // HTTP knows no other characters; http::Uri refuses some of them.
        target
            .chars()
            .map(|c| {
                if c.is_ascii() && !"\"<>\\^`{|}".contains(c) { c.to_string() } else { percent_encode(&c.to_string()) }
            })
            .collect()
    }
}

fn split_authority(authority: &str, https: bool) -> Option<(&str, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
                return None;
            }
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    Some((host, port.unwrap_or(if https { 443 } else { 80 })))
}

const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
const METADATA_EC2: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254));
const METADATA_GOOGLE: [IpAddr; 2] = [METADATA, IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254))];

/// Whether plain http is allowed to a host. An address counts in its usual form alone: an
/// `IpAddr` is written in it.
fn is_local(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) if address.to_string() == host => {
            address.is_loopback()
                || address == METADATA_EC2
                || METADATA_GOOGLE.contains(&address)
                || matches!(address, IpAddr::V4(v4) if v4.octets()[..2] == [169, 254] && v4.octets()[2] & !3 == 128)
        }
        Ok(_) => false,
        Err(_) => ["localhost", "metadata.google.internal"].iter().any(|name| name.eq_ignore_ascii_case(host)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Url> {
        Url::parse(text, "http.url", false)
    }

    #[test]
    fn plain_http() {
        let allowed = [
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]",
            "[::1]:8080",
            "localhost",
            "169.254.169.254",
            "169.254.128.0",
            "169.254.131.255",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "metadata.google.internal",
            "LOCALHOST",
        ];
        for host in allowed {
            assert!(parse(&format!("http://{host}/token")).is_ok(), "{host}");
        }
        let refused = [
            "127.1",
            "2130706433",
            "0x7f.1",
            "127.0.0.01",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:0:0:1]",
            "[::1%25lo]",
            "169.254.132.0",
            "169.254.127.255",
            "example.com",
            "localhost.example.com",
            "[FD00:EC2::254]",
            "0.0.0.0",
        ];
        for host in refused {
            assert!(parse(&format!("http://{host}/token")).is_err(), "{host}");
        }
    }

    #[test]
    fn refused() {
        for url in [
            "",
            "token",
            "ftp://a/",
            "https://",
            "https://:1/",
            "https://u@a/",
            "https://a/#",
            "https://a b/",
            "https://a:x/",
            "https://a:99999/",
            "https://[a]/",
            "https://a\\b/",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(url.is_empty() || !error.contains(url), "{error}");
        }
    }

    #[test]
    fn names_stand_for_local_addresses() {
        let allows = |url: &str, address: &str| parse(url).unwrap().allows(address.parse().unwrap());
        assert!(allows("http://localhost/", "127.0.0.1") && allows("http://localhost/", "::1"));
        assert!(!allows("http://localhost/", "192.0.2.1"));
        assert!(allows("http://metadata.google.internal/", "169.254.169.254"));
        assert!(!allows("http://metadata.google.internal/", "127.0.0.1"));
        assert!(allows("https://example.com/", "192.0.2.1"));
    }

    #[test]
    fn parameters() {
        let set = |url: &str, parameters: &[(&str, &str)]| {
            let mut url = parse(url).unwrap();
            let parameters: Vec<_> = parameters.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            url.set_parameters(&parameters);
            url.target()
        };
        assert_eq!(set("https://a", &[]), "/");
        assert_eq!(set("https://a?", &[("x", "1 2")]), "/?x=1%202");
        assert_eq!(set("https://a/p?z=%7e&a+b=1&&%61=2&c", &[("a", "3"), ("a b", "&")]), "/p?z=%7e&&c&a=3&a%20b=%26");
        assert_eq!(set("https://a/é?<", &[]), "/%C3%A9?%3C");
    }
}
