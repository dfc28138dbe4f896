"""Loopback clouds: real servers on 127.0.0.1 that answer the real SDKs and clients.

A loopback cloud speaks enough of a cloud's wire protocol for the unmodified SDK (or docker, or
skopeo) to succeed against it, checks each request, and issues secrets that only this cloud and the
loopback registry know. Nothing is monkeypatched: a client is sent here by its own settings, and
where a host name is hard-coded, by `HTTPS_PROXY` and a certificate authority of our own.

    server.py           LoopbackServer: routes, what was received, failures handed to the test
    faults.py           the closed set of ways in which a server can misbehave
    loopback.py         Loopback: finds each module here that has a constant LOOPBACK
    authority.py        Authority: throwaway certificates, keys and signed tokens
    proxy.py            TerminatingProxy: CONNECT any.host:443, answered by a LoopbackServer
    registry.py         Registry: an OCI registry with Basic or token authentication
    debian_registry.py  the same, by Debian's docker-registry
    tokens.py           the token endpoint of both registries, and the record of logins
    image.py            the tiny image in the registries
    fixtures.py         `authority` and `proxy`, for a conftest.py to import

A cloud is a LoopbackServer with a handler per method and path, which asserts everything that the
genuine service requires. An assertion that fails there answers 500 and is raised again in the test
when the server is left. The same holds for a request without a handler: a cloud never guesses.
"""
