# make frozen/static, then: docker build -f packaging/docker/alpine.Dockerfile .
# Alpine's libc is not the one that Python and the SDKs were built for: the static file brings its own.
FROM alpine
COPY --chmod=755 dist/docker-credential-multi.static /usr/local/bin/docker-credential-multi
