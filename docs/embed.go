// Package docs holds the documents that the conformance suite is copied with.
package docs

import "embed"

// Files are the specification, and how to write an adapter.
//
//go:embed specification.md conformance.md
var Files embed.FS
