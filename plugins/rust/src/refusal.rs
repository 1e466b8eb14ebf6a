use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use crate::error::{Class, Error};
use crate::secrets::Secrets;
use crate::token::Token;

/// Why an exchange failed, and the code of STS that says so.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) code: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal { error, code: String::new() }
    }
}

impl Refusal {
    /// What an error of the SDK means. It holds no secret, as the SDK's error may.
    pub(crate) fn new(error: SdkError<AssumeRoleWithWebIdentityError>, role: &str, token: &Token) -> Self {
        match error.code().map(str::to_owned) {
            Some(code) => Refusal { error: with_code(error, &code, role, token), code },
            None => without_code(error, role).into(),
        }
    }

    pub(crate) fn is_expired(&self) -> bool {
        ["ExpiredTokenException", "ExpiredToken"].contains(&&*self.code)
    }

    pub(crate) fn is_invalid_token(&self) -> bool {
        self.code == "InvalidIdentityToken"
    }
}

/// The error where STS gave no usable response.
pub(crate) fn unavailable(problem: &str, role: &str) -> Error {
    Error::new(Class::StsUnavailable, format!("STS {problem}, for the role {role}"))
}

fn without_code(error: SdkError<AssumeRoleWithWebIdentityError>, role: &str) -> Error {
    if let Some(response) = error.raw_response() {
        return unavailable(&format!("responded with {} and no error code", response.status()), role);
    }
    match error {
        SdkError::ConstructionFailure(_) => {
            Error::invalid("the request to STS cannot be made").with_hint("set a region, and check the endpoint of STS")
        }
        SdkError::DispatchFailure(_) => match error.into_source() {
            Ok(cause) => unavailable("cannot be reached", role).with_source(cause),
            Err(_) => unavailable("cannot be reached", role),
        },
        _ => unavailable("did not respond in time", role),
    }
}

fn with_code(error: SdkError<AssumeRoleWithWebIdentityError>, code: &str, role: &str, token: &Token) -> Error {
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let (class, problem, hint) = match code {
        "ValidationError" => (
            Class::ConfigInvalid,
            format!("STS finds the request for the role {role} invalid"),
            "check role_arn, and the session name: 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ -",
        ),
        "PackedPolicyTooLarge" | "MalformedPolicyDocument" => (
            Class::ConfigInvalid,
            format!("STS refused the policy of the session, for the role {role}"),
            "check the session policy, and the session tags of the token",
        ),
        "RegionDisabledException" => (
            Class::ConfigInvalid,
            format!("STS is not active in this region, for the role {role}"),
            "activate it in the account, or set another region",
        ),
        _ if code == "IDPCommunicationError"
            || THROTTLING_ERRORS.contains(&code)
            || !(400..500).contains(&status)
            || status == 429 =>
        {
            (Class::StsUnavailable, format!("STS gave no answer, for the role {role}"), "try again later")
        }
        _ => (
            Class::RoleDenied,
            format!("STS refused the role {role} for {}", token.describe()),
            "compare the role's trust policy with the claims of the token",
        ),
    };
    let mut secrets = Secrets::default();
    secrets.add(token.expose());
    token.expose().split('.').for_each(|part| secrets.add(part));
    let text = error.message().unwrap_or_default().to_owned();
    let refusal = match (secrets.are_in(code), secrets.are_in(&text)) {
        (true, _) => Error::new(class, problem),
        (false, true) => Error::new(class, format!("{problem}: {code}")),
        (false, false) => {
            Error::new(class, format!("{problem}: {code}: {text}")).with_source(error.into_service_error())
        }
    };
    refusal.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sts::error::ErrorMetadata;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    fn refusal(status: u16, code: Option<&str>, message: &str) -> Refusal {
        let mut metadata = ErrorMetadata::builder().message(message);
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from("body-of-the-response"));
        let error = SdkError::service_error(AssumeRoleWithWebIdentityError::generic(metadata.build()), response);
        Refusal::new(error, "arn:r", &Token::new("header.payload.signature").ok().unwrap())
    }

    #[test]
    fn classes() {
        let cases = [
            (403, Some("AccessDenied"), Class::RoleDenied),
            (400, Some("IDPRejectedClaim"), Class::RoleDenied),
            (400, Some("ExpiredTokenException"), Class::RoleDenied),
            (400, Some("ValidationError"), Class::ConfigInvalid),
            (400, Some("PackedPolicyTooLarge"), Class::ConfigInvalid),
            (400, Some("MalformedPolicyDocument"), Class::ConfigInvalid),
            (403, Some("RegionDisabledException"), Class::ConfigInvalid),
            (400, Some("IDPCommunicationError"), Class::StsUnavailable),
            (400, Some("Throttling"), Class::StsUnavailable),
            (429, Some("Other"), Class::StsUnavailable),
            (301, Some("Other"), Class::StsUnavailable),
            (500, Some("AccessDenied"), Class::StsUnavailable),
            (403, None, Class::StsUnavailable),
            (302, None, Class::StsUnavailable),
        ];
        for (status, code, class) in cases {
            let Refusal { error, .. } = refusal(status, code, "text");
            assert_eq!(error.class(), class, "{status} {code:?}");
            assert!(error.to_string().contains("arn:r") && !format!("{error:?}").contains("body-of"), "{error:?}");
        }
    }

    #[test]
    fn text_of_sts() {
        let text = |code, message| format!("{:?}", refusal(403, Some(code), message).error);
        assert!(text("AccessDenied", "Not authorized").contains("AccessDenied: Not authorized"));
        assert!(text("AccessDenied", "no signature").contains("AccessDenied"));
        assert!(!text("AccessDenied", "no s&#105;gnature").contains("&#105;"));
        assert!(!text("signature", "no").contains("signature"));
    }
}
