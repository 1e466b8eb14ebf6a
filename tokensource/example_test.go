package tokensource_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/awstokenserver/config/tokensource"
)

func ExampleParse() {
	source, err := tokensource.Parse("GitHub")
	if err != nil {
		fmt.Println(err)
		return
	}
	// Not in GitHub Actions:
	_, err = source.Token(context.Background())
	var e *tokensource.Error
	if errors.As(err, &e) {
		fmt.Println(e.Class)
		fmt.Println(e.Problem)
		fmt.Println(e.Hint)
	}

	_, err = tokensource.Parse("github,sts.amazonaws.com")
	errors.As(err, &e)
	fmt.Println(e.Problem)
	// Output:
	// not-configured
	// GitHub: the variable ACTIONS_ID_TOKEN_REQUEST_URL is not set
	// grant the job `permissions: id-token: write`, and so the job that calls a reusable workflow
	// "github" is not the name of a token server, GitHub is
}

func ExampleDocument() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"data": {"token": "a-token-for-%s"}}`, r.Header.Get("X-Audience"))
	}))
	defer server.Close()
	os.Setenv("EXAMPLE_URL", server.URL)
	defer os.Unsetenv("EXAMPLE_URL")

	source, err := tokensource.Document([]byte(`{
		"version": 1,
		"audience": "sts.amazonaws.com",
		"http": {
			"url": "${env:EXAMPLE_URL}/identity",
			"headers": {"X-Audience": "${audience}"},
			"token": "/data/token"
		}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := source.Token(context.Background())
	fmt.Println(token, err)
	fmt.Println(token.Value)
	// Output:
	// REDACTED <nil>
	// a-token-for-sts.amazonaws.com
}

func ExampleReuse() {
	fetches := 0
	source := tokensource.Reuse(tokensource.Func(func(context.Context) (tokensource.Token, error) {
		fetches++
		return tokensource.Token{Value: "a-token", Expires: time.Now().Add(5 * time.Minute)}, nil
	}))
	for range 3 {
		if _, err := source.Token(context.Background()); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(fetches)
	// Output: 1
}
