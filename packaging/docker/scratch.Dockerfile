# make frozen/static, then: docker build -f packaging/docker/scratch.Dockerfile .
# The file needs nothing else, in kaniko's image too. It contains a CA bundle; SSL_CERT_FILE,
# REQUESTS_CA_BUNDLE and AWS_CA_BUNDLE name another. Tokens are kept under HOME.
FROM scratch
COPY --chmod=755 dist/docker-credential-multi.static /usr/local/bin/docker-credential-multi
ENV PATH=/usr/local/bin HOME=/root
