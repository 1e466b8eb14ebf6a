//go:build !unix

package tokensource

const nonblocking = 0
