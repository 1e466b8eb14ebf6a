.PHONY: test bench generate fuzz

test:
	go test ./...

bench:
	go run ./internal/bench

generate:
	go generate ./...

fuzz:
	bash .ci/fuzz
