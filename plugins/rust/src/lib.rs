//! `web_identity_token_server` for the AWS SDK for Rust: a profile that fetches its own OIDC token, and
//! assumes its role with it.
//!
//! ```ini
//! [profile deploy]
//! role_arn = arn:aws:iam::123456789012:role/deploy
//! web_identity_token_server = GitHub
//! ```
//!
//! ```no_run
//! # async fn example() {
//! use aws_config::BehaviorVersion;
//!
//! let config = awstokenserver::defaults(BehaviorVersion::latest()).profile_name("deploy").load().await;
//! // Any client of the SDK: aws_sdk_s3::Client::new(&config)
//! # }
//! ```
//!
//! The variable `AWS_WEB_IDENTITY_TOKEN_SERVER` works as the key does, with the role of `AWS_ROLE_ARN`.
//! In all else, a token server is what `web_identity_token_file` is to [`aws_config`]. The
//! [specification](https://github.com/awstokenserver/config/blob/main/docs/specification.md) says what
//! values there are.
//!
//! A token server that is used and fails is an error, and never leads to other credentials:
//!
//! ```no_run
//! # fn example(error: Box<dyn std::error::Error>) {
//! if let Some(error) = awstokenserver::Error::find(&*error) {
//!     eprintln!("{}: {error}", error.class());
//! }
//! # }
//! ```

#![deny(missing_docs)]
#![warn(unreachable_pub)]

mod chain;
mod client;
mod document;
mod encoding;
mod error;
mod file;
mod json;
mod loader;
mod profile;
mod provider;
mod refusal;
mod request;
mod response;
mod retry;
mod secrets;
mod servers;
mod source;
mod template;
mod token;
mod url;
mod value;

pub use chain::{Builder, DefaultCredentialsChain};
pub use error::{Class, Error};
pub use loader::{Loader, defaults};
