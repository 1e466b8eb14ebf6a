package tokensource_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/awstokenserver/config/tokensource"
)

func init() {
	err := tokensource.Register("Example.SPIFFE", func(audience string) (tokensource.TokenSource, error) {
		if audience == "" {
			return nil, errors.New("name an audience")
		}
		return tokensource.Func(func(ctx context.Context) (tokensource.Token, error) {
			return tokensource.Token{Value: "a-token-for-" + audience}, nil
		}), nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleRegister() {
	source, err := tokensource.Parse("Example.SPIFFE,sts.amazonaws.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := source.Token(context.Background())
	fmt.Println(token.Value, err)
	// Output: a-token-for-sts.amazonaws.com <nil>
}
