package tokensource

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// origin names the place that the text of a URL comes from.
func origin(t template) string {
	if first := t.parts()[0]; first.kind == variableReference {
		return "the variable " + first.name
	}
	return "http.url"
}

// parseURL parses and checks the URL of a token server. Its errors name origin
// and no part of the URL.
func parseURL(origin, text string, overSocket bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, invalid("%s: is not a URL", origin)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, invalid("%s: holds white space or a control character", origin)
	case u.User != nil:
		return nil, invalid("%s: must not hold a user or password", origin)
	case strings.Contains(text, "#"):
		return nil, invalid("%s: must not have a fragment", origin)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalid("%s: must be an https URL", origin)
	case u.Hostname() == "":
		return nil, invalid("%s: must have a host", origin)
	case u.Scheme == "http" && !overSocket && !isLocal(u.Hostname()):
		return nil, invalid("%s: must be an https URL, for its host is neither loopback nor a metadata service", origin)
	}
	return u, nil
}

var (
	metadata = []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254"),
		netip.MustParseAddr("fd20:ce::254"),
	}

	// The managed identities of Azure App Service on Linux: 169.254.129.* and
	// 169.254.130.* are seen; Microsoft's pages name no range.
	appService = netip.MustParsePrefix("169.254.128.0/22")
)

// isLocal reports whether what is sent to host stays on this machine or the one
// below it: plain http is allowed, and proxies are bypassed. An address counts in its
// usual form alone (RFC 5952), as other forms are read in different ways.
func isLocal(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return isLocalAddress(addr) && addr.String() == host && !addr.Is4In6()
	}
	host = strings.ToLower(host)
	return host == "localhost" || host == "metadata.google.internal"
}

func isLocalAddress(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return addr.IsLoopback() || slices.Contains(metadata, addr) || appService.Contains(addr)
}
