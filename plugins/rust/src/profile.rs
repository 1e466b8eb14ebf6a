use aws_config::profile::ProfileSet;

use crate::encoding::trim;
use crate::error::{Error, Result};
use crate::provider::Role;

pub(crate) const KEY: &str = "web_identity_token_server";
const FILE_KEY: &str = "web_identity_token_file";

/// The token server at the beginning of the selected profile's chain.
pub(crate) struct Found {
    pub(crate) setting: String,
    pub(crate) value: String,
    pub(crate) role: Role,
    /// The roles to assume from there, with their external ids.
    pub(crate) then: Vec<(Role, Option<String>)>,
}

/// Walks from the selected profile to its source, as aws-config does for a token file. Whatever has no
/// token server is left to aws-config.
pub(crate) fn find(profiles: &ProfileSet) -> Result<Option<Found>> {
    let mut name = profiles.selected_profile();
    let mut visited = Vec::new();
    let mut then = Vec::new();
    while let Some(profile) = profiles.get_profile(name).filter(|_| !visited.contains(&name)) {
        visited.push(name);
        // A key with an empty value is as no key, and so is what is nested under it.
        let get = |key| profile.get(key).filter(|value| !trim(value.split('\n').next().unwrap_or_default()).is_empty());
        let role = |default_session_name| {
            let arn = trim(get("role_arn")?).to_owned();
            Some(Role { arn, session_name: get("role_session_name").map(str::to_owned), default_session_name })
        };
        let has_keys = get("aws_access_key_id").is_some() && get("aws_secret_access_key").is_some();
        if let Some(value) = get(KEY) {
            let setting = format!("{KEY} of the profile {name:?}");
            let refused =
                |problem: &str, hint: &str| Err(Error::invalid(problem).with_hint(hint).with_setting(&setting));
            let Some(role) = role("web-identity-token-profile") else {
                return refused("the profile has no role_arn", "add role_arn, the role to assume");
            };
            if get(FILE_KEY).is_some() {
                return refused(&format!("the profile has {FILE_KEY} too"), "remove one of the two");
            }
            // aws-config would take these credentials, and not the role.
            if get("credential_source").is_some() {
                return refused("the profile has credential_source too", "remove one of the two");
            }
            if visited.len() > 1 && has_keys {
                return Ok(None);
            }
            then.reverse();
            return Ok(Some(Found { setting, value: value.to_owned(), role, then }));
        }
        let (source, credential_source) = (get("source_profile"), get("credential_source"));
        match (role("assume-role-from-profile"), source) {
            (Some(role), Some(source)) if credential_source.is_none() && profile.get(FILE_KEY).is_none() => {
                if visited.len() > 1 && has_keys {
                    return Ok(None);
                }
                then.push((role, get("external_id").map(str::to_owned)));
                name = source;
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
    use aws_types::os_shim_internal::{Env, Fs};

    async fn find_in(config: &str) -> Result<Option<Found>> {
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, config).build();
        let env = Env::from_slice(&[]);
        let profiles = aws_config::profile::load(&Fs::from_slice(&[]), &env, &files, Some("p".into())).await.unwrap();
        find(&profiles)
    }

    async fn problem(config: &str) -> String {
        find_in(config).await.err().expect(config).to_string()
    }

    #[tokio::test]
    async fn server() {
        let found = find_in("[profile p]\nrole_arn = r\nweb_identity_token_server = GitHub\nrole_session_name = s")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((&*found.value, &*found.role.arn, found.role.session_name.as_deref()), ("GitHub", "r", Some("s")));
        assert!(found.then.is_empty() && found.setting.contains("\"p\""));
    }

    #[tokio::test]
    async fn chain() {
        let config = "[profile p]\nrole_arn = 3\nsource_profile = b\nexternal_id = x\n[profile b]\nrole_arn = 2\nsource_profile = c\n\
                      [profile c]\nrole_arn = 1\nweb_identity_token_server = GitHub";
        let found = find_in(config).await.unwrap().unwrap();
        let then: Vec<_> = found.then.iter().map(|(role, id)| (&*role.arn, id.as_deref())).collect();
        assert_eq!((&*found.role.arn, then), ("1", vec![("2", None), ("3", Some("x"))]));
        assert!(found.setting.contains("\"c\""));
    }

    #[tokio::test]
    async fn left_to_the_sdk() {
        for config in [
            "",
            "[profile p]\nrole_arn = r\nweb_identity_token_server =",
            "[profile p]\nrole_arn = r\nweb_identity_token_server =\n  nested = x",
            "[profile p]\nrole_arn = r\nweb_identity_token_file = f",
            "[profile p]\nrole_arn = r\nsource_profile = p",
            "[profile p]\nrole_arn = r\nsource_profile = q",
            "[profile p]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = p",
            "[profile p]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nweb_identity_token_server = GitHub\n\
             aws_access_key_id = k\naws_secret_access_key = s",
        ] {
            assert!(find_in(config).await.unwrap().is_none(), "{config}");
        }
    }

    #[tokio::test]
    async fn refused() {
        assert!(problem("[profile p]\nweb_identity_token_server = GitHub").await.contains("role_arn"));
        assert!(problem("[profile p]\nrole_arn =\nweb_identity_token_server = GitHub").await.contains("role_arn"));
        let both = "[profile p]\nrole_arn = r\nweb_identity_token_server = GitHub\nweb_identity_token_file = f";
        assert!(problem(both).await.contains("web_identity_token_file"));
        let source = "[profile p]\nrole_arn = r\nweb_identity_token_server = GitHub\ncredential_source = Environment";
        assert!(problem(source).await.contains("credential_source"));
    }
}
