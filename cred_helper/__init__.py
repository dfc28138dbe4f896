"""docker-credential-multi: one credential helper for every registry.

Bird's eye
    A registry client (docker, podman, skopeo, crane, BuildKit, …) runs the executable with a verb
    and writes a server URL to its standard input. A pure host table names at most one built-in
    provider for that server URL, and only that one is asked, through its cloud's own SDK. When it
    has no identity to use, or no provider matches, the sources that docker's config.json names are
    asked, and our own small store last. One JSON document or one sentence goes back.

Map, top down; imports point down only (import contracts in pyproject.toml hold it)
    cli          argv; the protocol's verbs go the short way; the only exit
    commands/    what people call: explain, …; the only users of click
    wiring       settings → an assembled keychain; the only place that knows every source
    protocols/   wire formats: bytes → request, answer → bytes
    stdio        the private reply handle, the guard of standard output, the only printers
    fallback     what config.json and its relatives name, assembled from the next three
    dockerconfig, helper, store
                 reading config.json; running another docker-credential-*; our own small store
    keychain     ask one source after another, keep a trace
    cache        tokens on disk, one exchange for many processes
    bounded      a provider that is not waited for past its deadline
    log          the debug log, where it is switched on
    providers/   one cloud a module: ecr, gcr, acr
    settings, rules
                 every setting and variable of ours; the user's own rules
    provider     what a provider is and is asked with; ambient, fingerprint: what identifies a
                 machine and an identity without asking anyone
    hosts        the host tables
    server_url, credential, errors
                 the vocabulary

What never happens
    A host on no table never meets a cloud token; an alias is only ever an explicit rule.
    An identity that is configured and fails is never replaced by another that happens to be there.
    A cached answer loads no SDK, no click and no network module.
    Nothing but the reply reaches standard output. No secret reaches standard error, an exception's
    text, a child's arguments or a file that others can read.
    A provider never imports another, the cache or the configuration.
"""

__version__ = "0.1.0"
