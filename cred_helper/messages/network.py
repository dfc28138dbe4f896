"""Messages about connections, TLS and proxies.

``upstream`` is the server that was asked, as the provider names it: the registry, a token service,
a metadata service, or the proxy before it.
"""

from cred_helper.messages import DEADLINE, IN_BETWEEN, Message

_SEE_PROXY = "see HTTPS_PROXY, and NO_PROXY for what is reached without a proxy"
_SET_BUNDLE = "point REQUESTS_CA_BUNDLE at a CA bundle that has its authority"
_SET_OR_UNSET = "point {variable} at a CA bundle, or unset it"
_SET_CLOCK = "compare this machine's clock with the certificate's dates"

MESSAGES: dict[str, Message] = {
    # The connection.
    "network.unknown-host": Message(
        "{upstream} cannot be reached: the host name {host} has no address{tries}",
        "check the name, and the DNS server that this machine uses",
    ),
    "network.no-name-server": Message(
        "{upstream} cannot be reached: no DNS server answers for {host}{tries}",
        "check the DNS servers in /etc/resolv.conf",
    ),
    "network.refused": Message("{upstream} refuses the connection{tries}"),
    "network.no-route": Message("{upstream} cannot be reached: no route to {host}{tries}"),
    "network.reset": Message("{upstream} reset the connection{tries}"),
    "network.broken-off": Message(
        "{upstream} closed the connection before its reply was complete{tries}"
    ),
    "network.connect-timeout": Message("{upstream} does not accept a connection {within}{tries}"),
    "network.timeout": Message("{upstream} does not answer {within}{tries}"),
    "network.slow-reply": Message("{upstream} has not finished its reply after {seconds} s"),
    "network.no-time-left": Message(
        "no time is left to ask {upstream}",
        DEADLINE,
    ),
    "network.not-http": Message("{upstream} answers with something other than HTTP{tries}"),
    "network.bad-address": Message("the address of {upstream} is not a valid URL"),
    "network.failed": Message("the connection to {upstream} failed ({error}){tries}"),
    # The reply.
    "network.reply-too-large": Message("{upstream} answers with more than {limit}", IN_BETWEEN),
    "network.redirect": Message(
        "{upstream} answers with a redirect{target} ({status}), which is not followed",
        IN_BETWEEN,
        cause="A redirect would send the identity's token to another host.",
    ),
    "network.throttled": Message("{upstream} gets too many requests ({status}){wait}"),
    "network.server-error": Message("{upstream} has an internal error ({status}){wait}"),
    # TLS.
    "network.not-tls": Message(
        "{upstream} does not speak TLS on this port{tries}",
        "check the port, and whether the URL has to begin with http:// or https://",
    ),
    "network.tls-failed": Message("the TLS handshake with {upstream} failed: {reason}"),
    "network.certificate-expired": Message("the certificate of {upstream} has expired", _SET_CLOCK),
    "network.certificate-not-yet-valid": Message(
        "the certificate of {upstream} is not valid yet", _SET_CLOCK
    ),
    "network.certificate-wrong-name": Message(
        "the certificate of {upstream} is for other host names than {host}",
        "check the host name; a proxy that answers in its place has a certificate of its own",
    ),
    "network.openssl-without-ciphers": Message(
        "OpenSSL has no ciphers: its configuration asks for a provider that it does not find",
        "unset OPENSSL_CONF and OPENSSL_MODULES",
        cause="A configuration for FIPS needs the FIPS provider of the same OpenSSL, which this"
        " program does not bring along.",
    ),
    "network.certificate-wrong-address": Message(
        "the certificate of {upstream} is not for the address {host}",
        "use a host name that is in the certificate",
    ),
    "network.certificate-untrusted": Message(
        "the certificate of {upstream} is signed by an authority that is not trusted here",
        _SET_BUNDLE,
        cause="The server, or a proxy that reads the traffic, has a certificate of a private"
        " authority. The CA bundle in use is the one that comes with this program, unless a"
        " variable names another; the system's store is not read.",
        cure="Point REQUESTS_CA_BUNDLE (or SSL_CERT_FILE, or AWS_CA_BUNDLE for Amazon alone) at a"
        " CA bundle that holds the private authority's certificate besides the public ones.",
    ),
    "network.certificate-invalid": Message(
        "the certificate of {upstream} is not valid: {reason}", _SET_BUNDLE
    ),
    "network.ca-file-missing": Message(
        "{variable} names {path}, which does not exist", _SET_OR_UNSET
    ),
    "network.ca-file-empty": Message(
        "{variable} names {path}, which holds no certificates", _SET_OR_UNSET
    ),
    "network.ca-file-unreadable": Message(
        "{variable} names {path}, which cannot be read: {reason}", _SET_OR_UNSET
    ),
    "network.ca-file-not-a-path": Message(
        "{variable} holds the content of a file, where the path of a CA bundle belongs",
        "write it to a file, and set {variable} to the path of that file",
    ),
    # The proxy.
    "network.proxy-unusable": Message(
        "HTTPS_PROXY is not a usable proxy address",
        "use an address that begins with http:// or https://; NO_PROXY names what is reached"
        " without a proxy",
    ),
    "network.proxy-login": Message(
        "the proxy {proxy} requires a login to connect to {upstream} ({status})",
        "put the user name and password into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
    ),
    "network.proxy-forbids": Message(
        "the proxy {proxy} does not connect to {upstream} ({status})", _SEE_PROXY
    ),
}
