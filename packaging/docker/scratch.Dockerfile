# make frozen/static, then: docker build -f packaging/docker/scratch.Dockerfile .
# Nothing else is needed, kaniko's image included: certificate authorities are in the file, and
# SSL_CERT_FILE, REQUESTS_CA_BUNDLE and AWS_CA_BUNDLE name others. HOME is where tokens are kept.
FROM scratch
COPY --chmod=755 dist/docker-credential-multi.static /usr/local/bin/docker-credential-multi
ENV PATH=/usr/local/bin HOME=/root
