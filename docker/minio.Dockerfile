# MinIO is published as source only since October 2025: this builds its last version. A test server, AGPL, not shipped.
FROM golang:1.26-alpine AS build
ARG VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
RUN CGO_ENABLED=0 GOBIN=/out go install -trimpath -ldflags='-s -w' github.com/minio/minio@${VERSION}

FROM alpine:3
COPY --from=build /out/minio /usr/local/bin/minio
VOLUME /data
EXPOSE 9000
HEALTHCHECK --interval=5s --timeout=2s --retries=10 CMD wget -q -O /dev/null http://127.0.0.1:9000/minio/health/ready
ENTRYPOINT ["minio", "server", "/data", "--address", ":9000", "--quiet"]
