// Package tokensource fetches OIDC tokens from wherever a workload gets them: a
// CI system's token server, a cloud's metadata service, a file, a variable.
//
// [Parse] turns the value of web_identity_token_server or
// AWS_WEB_IDENTITY_TOKEN_SERVER into a [TokenSource]:
//
//	value                                  token server
//	GitHub                                 GitHub Actions, audience sts.amazonaws.com
//	GitHub,AUDIENCE                        the same, asked for AUDIENCE
//	GitHub,                                the same, asked without an audience
//	URL_VARIABLE,TOKEN_VARIABLE            the contract of GitHub Actions (and Forgejo) under other
//	                                       variables; no audience is sent
//	URL_VARIABLE,TOKEN_VARIABLE,AUDIENCE   the same, asked for AUDIENCE
//	BASE64                                 any other: a JSON document ([Document]) in base64
//	BASE64,AUDIENCE                        the same, asked for AUDIENCE
//
// The constructors [GitHub], [EnvPair], [Document], [File] and [Env] make the
// same sources in code, and [Register] adds a name to the first form. [Servers]
// lists the names, and [Describe] says what a value means.
//
//	source, err := tokensource.Parse("GitHub")
//	if err != nil {
//		return err // a *tokensource.Error: the setting can never work
//	}
//	token, err := source.Token(ctx)
//
// Making a source reads neither variables nor files and sends nothing; Token
// does. Every source of this package is safe for concurrent use, keeps no token
// (see [Reuse]), returns promptly when ctx is done, and gives up after one
// minute in any case. Its errors are of type [*Error] and hold no secret, and a
// source prints as its name for every format verb.
//
// Requests go over HTTP/1.1 to https URLs; plain http is for loopback, the
// metadata addresses of clouds and unix sockets. Redirects are never followed,
// for the request carries a credential.
package tokensource
