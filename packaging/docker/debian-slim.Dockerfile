# make frozen, then: docker build -f packaging/docker/debian-slim.Dockerfile .
FROM debian:stable-slim
COPY --chmod=755 dist/docker-credential-multi /usr/local/bin/
