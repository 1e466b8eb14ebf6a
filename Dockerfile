# The image of a release: the static binary, and the certificates that AWS is checked with. goreleaser builds it.
FROM alpine:3.22 AS roots

FROM scratch
ARG TARGETPLATFORM
COPY --from=roots /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY $TARGETPLATFORM/aws-web-identity /aws-web-identity
ENV TMPDIR=/
ENTRYPOINT ["/aws-web-identity"]
