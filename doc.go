// Package config is github.com/aws/aws-sdk-go-v2/config that fetches its own
// web identity tokens. Change the import, and the AWS SDK for Go understands one
// more key of the shared config file,
//
//	[profile deploy]
//	role_arn = arn:aws:iam::123456789012:role/deploy
//	web_identity_token_server = GitHub
//
// and one more environment variable:
//
//	AWS_ROLE_ARN=arn:aws:iam::123456789012:role/deploy
//	AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub
//
// The SDK then asks the token server for an OIDC token and exchanges it for the
// role with sts:AssumeRoleWithWebIdentity, and again before the credentials
// expire, for as long as the process runs. No secret is stored, and no CI step comes before it.
//
// The value is one of
//
//	GitHub                      a token server by name, with its default audience
//	GitHub,audience             with an audience of your own
//	URL_VAR,TOKEN_VAR,audience  variables that hold a URL and a request token
//	eyJ2ZXJzaW9uIjoxLCJo…       a JSON document in base64
//
// and package [github.com/awstokenserver/config/tokensource] says all about it.
//
// All else that holds for web_identity_token_file and
// AWS_WEB_IDENTITY_TOKEN_FILE holds for these two: precedence, validation,
// source_profile, options. A program that uses neither gets what upstream's
// package gives it. Every other name in this package is upstream's: types are
// aliases, functions forward, and options of both packages mix.
package config
