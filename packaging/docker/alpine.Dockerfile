# make frozen/static, then: docker build -f packaging/docker/alpine.Dockerfile .
# Python and the SDKs need glibc, which Alpine does not have: the static file contains it.
FROM alpine
COPY --chmod=755 dist/docker-credential-multi.static /usr/local/bin/docker-credential-multi
