"""docker-credential-multi: one credential helper for every registry.

Overview
    A registry client (docker, podman, skopeo, crane, BuildKit, …) runs the executable with a verb
    and writes a server URL to its standard input. The host tables name at most one cloud for that
    URL, and only that cloud's provider is asked, through its SDK. If it has no identity to use, or
    no cloud matches, the sources that docker's config.json names are asked, and our own store last.
    The answer is one JSON document or one sentence.

One ``get`` in six stops
    cli and stdio (reply handle, guard) → protocols.docker parses the request → resolution (one look
    at rules and routes) → cache (a valid entry is the answer: no SDK, no click, no network) → the
    provider imports its SDK, or the fallback is asked → the protocol renders the answer, cli exits.

Map: imports point down only; the import contracts in pyproject.toml check it
    cli  stdio      the verbs and the only exit; the reply handle, the guard of standard output, the
                    only functions that print
    protocols/      wire formats: bytes → request, answer → bytes
    commands/       the commands for people, one file or folder each; only they import click.
                    configure/ doctor/ lookup/ node/ ui/ contain what the commands use
    headers         the HTTP headers for a URI, for Bazel; registry: the requests to a registry
    pulls           the identity for an image, the pod's or the node's, for kubelet
    stores          what keeps a login, removes one and lists them
    wiring          settings → keychain; only this module knows every source
    keychain        asks the sources of a server URL one after another and records a trace
    cache/          tokens on disk, renewal, one exchange for many processes, encryption; the memo
                    of an answer, for the frozen file's launcher
    fallback/       docker's and podman's files, other helpers, our own store
    variables       credentials in environment variables
    providers/      common/: the interface, and what the providers share (sources, wire, network
                    errors, trust, time limits, identity tokens).
                    ecr/ gcr/ acr/ dockerhub/: identity (no SDK), token (the SDK), errors, messages,
                    replaced and node_plugin (what other helpers and kubelet's plugins read)
    settings/       settings, rules, the settings file, the profiles of replaced helpers
    log  call_log   the log of steps and the log of calls, by watcher; loaded only if one is on
    programs/       finding a program and running it: supervised, bounded, its errors passed on
    files/          the looks at this machine, which can be recorded; bounded readers, atomic
                    writes, private folders, locks, fingerprints
    clouds          one row for each cloud: name, title, example host, options, helpers, SDK
    hosts           the host tables: the one page to audit
    server_url  credential  docker_hub  errors  messages  record  secret_shapes  signals
                    the vocabulary

What never happens
    A host outside the tables gets a cloud token; only a rule of the user can name an alias.
    A token is given to another identity than the one it was made for.
    A configured identity that fails is replaced by another one.
    A cached answer imports an SDK, click or a network module.
    Anything but the reply is written to standard output. A secret is in standard error, an
    exception's text, a child's arguments or a file that others can read.
    A provider imports another provider, the cache or the settings.
"""

__version__ = "0.2.0"
