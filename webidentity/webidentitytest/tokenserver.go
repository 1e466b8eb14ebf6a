package webidentitytest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// TokenServer is the token server of GitHub Actions: GET on a URL that already
// has a query, authorized by a request token, with the audience as an optional
// query parameter; the response is {"value": JWT, "count": length}. See
// [GitHub's documentation].
//
// Set its fields before its first request.
//
// [GitHub's documentation]: https://docs.github.com/en/actions/reference/security/oidc
type TokenServer struct {
	Server

	// RequestToken is the bearer token that a request must carry. Never empty
	// in a new TokenServer.
	RequestToken string

	// Claims are put in every token: they add to the claims that GitHub sets,
	// and win over them, over aud too.
	Claims map[string]any

	// Lifetime is the time from iat to exp, in whole seconds. Zero means five
	// minutes, as at GitHub.
	Lifetime time.Duration

	issuer *Issuer
}

const (
	tokenPath    = "/_apis/distributedtask/hubs/Actions/plans/1/jobs/1/idtoken"
	tokenVersion = "2.0"
)

// NewTokenServer starts a token server for tokens of issuer.
func NewTokenServer(issuer *Issuer) *TokenServer {
	s := &TokenServer{RequestToken: rand.Text(), issuer: issuer}
	s.start(s.contract)
	s.URL += tokenPath + "?api-version=" + tokenVersion
	return s
}

func (s *TokenServer) contract(w http.ResponseWriter, r *http.Request, q Request) {
	switch {
	case q.Path != tokenPath:
		http.NotFound(w, r)
	case q.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuseToken(w, http.StatusMethodNotAllowed, "UnsupportedMethodException",
			"The requested resource does not support http method '"+q.Method+"'.")
	case !s.authorized(q.Header["Authorization"]):
		refuseToken(w, http.StatusUnauthorized, "UnauthorizedRequestException",
			"TF400813: The user '' is not authorized to access this resource.")
	case q.Query.Get("api-version") != tokenVersion:
		refuseToken(w, http.StatusBadRequest, "VssVersionNotSpecifiedException",
			"No api-version was supplied for the request, or one that is out of range.")
	default:
		token := s.token(q.Query.Get("audience"))
		writeJSON(w, http.StatusOK, map[string]any{"value": token, "count": len(token)})
	}
}

func (s *TokenServer) authorized(headers []string) bool {
	if len(headers) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	return strings.EqualFold(scheme, "bearer") && token == s.RequestToken
}

func (s *TokenServer) token(audience string) string {
	now := time.Now()
	claims := map[string]any{
		"iat":                   now.Unix(),
		"exp":                   now.Add(cmp.Or(s.Lifetime, defaultTokenLifetime)).Unix(),
		"sub":                   "repo:octo-org/octo-repo:ref:refs/heads/main",
		"ref":                   "refs/heads/main",
		"ref_type":              "branch",
		"sha":                   "6dcb09b5b57875f334f61aebed695e2e4193db5e",
		"repository":            "octo-org/octo-repo",
		"repository_id":         "74",
		"repository_owner":      "octo-org",
		"repository_owner_id":   "65",
		"repository_visibility": "private",
		"actor":                 "octocat",
		"actor_id":              "12",
		"workflow":              "deploy",
		"workflow_ref":          "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
		"job_workflow_ref":      "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
		"event_name":            "push",
		"head_ref":              "",
		"base_ref":              "",
		"run_id":                "1658821493",
		"run_number":            "10",
		"run_attempt":           "1",
		"runner_environment":    "github-hosted",
	}
	maps.Copy(claims, s.Claims)
	if _, ok := claims["aud"]; !ok {
		claims["aud"] = cmp.Or(audience, fmt.Sprint("https://github.com/", claims["repository_owner"]))
	}
	return s.issuer.Sign(claims)
}

// refuseToken responds as the service behind GitHub's token URL does.
func refuseToken(w http.ResponseWriter, status int, typeKey, message string) {
	writeJSON(w, status, map[string]any{
		"$id": "1", "innerException": nil, "message": message, "typeKey": typeKey, "errorCode": 0, "eventId": 3000,
	})
}
