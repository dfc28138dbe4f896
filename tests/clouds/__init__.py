"""Loopback clouds: real servers on 127.0.0.1 that answer the real SDKs and clients.

A loopback cloud speaks enough of a cloud's wire protocol for the unmodified SDK (or docker, or
skopeo) to succeed against it, asserts what it received, and issues secrets that only it and the
loopback registry know. Nothing is monkeypatched: a client is sent here by its own settings, and
where a host name is hard-coded, by `HTTPS_PROXY` and a certificate authority of our own.

    server.py           LoopbackServer: routes, what was received, failures handed to the test
    faults.py           the closed set of ways in which a server can misbehave
    loopback.py         Loopback: finds each module here that has a constant LOOPBACK
    authority.py        Authority: throwaway certificates, keys and signed tokens
    proxy.py            TerminatingProxy: CONNECT any.host:443, answered by a LoopbackServer
    registry.py         Registry: an OCI registry with Basic or token authentication
    debian_registry.py  the same, played by Debian's docker-registry
    tokens.py           the token endpoint of either, and the record of who logged in
    image.py            the tiny image that they hold
    fixtures.py         `authority` and `proxy`, for a conftest.py to import

To write a cloud, subclass LoopbackServer, register a handler per method and path, and assert in
the handler whatever a genuine service would have insisted on:

    class Tokens(LoopbackServer):
        def __init__(self) -> None:
            super().__init__()
            self.on("POST", "/token", self.token)

        def token(self, request: Received) -> Reply:
            assert request.form["grant_type"] == "refresh_token"
            return json_reply({"access_token": "loopback", "expires_in": 3600})

    with Tokens() as tokens, TerminatingProxy(authority) as proxy:
        proxy.route("oauth2.googleapis.com", tokens)
        run(child, env=proxy.environment())
        assert proxy.refused == []

An assertion that fails in a handler answers 500 and is raised again in the test when the server
is left. The same holds for a request without a handler: a cloud never guesses.
"""
