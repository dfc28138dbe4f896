"""docker-credential-multi: one credential helper for every registry.

Bird's eye
    A registry client (docker, podman, skopeo, crane, BuildKit, …) runs the executable with a verb
    and writes a server URL to its standard input. A pure host table names at most one built-in
    provider for that server URL, and only that one is asked, through its cloud's own SDK. When it
    has no identity to use, or no provider matches, the sources that docker's config.json names are
    asked, and our own small store last. One JSON document or one sentence goes back.

Map, top down; imports point down only (import contracts in pyproject.toml hold it)
    cli          argv; the protocol's verbs go the short way; the only exit
    commands/    what people call: explain, doctor, configure, …; the only users of click
    wiring       settings → an assembled keychain; the only place that knows every source
    protocols/   wire formats: bytes → request, answer → bytes
    stdio        the private reply handle, the guard of standard output, the only printers
    cache/       tokens on disk, one exchange for many processes
    fallback/    what config.json and its relatives name: other helpers, auths, our own store
    settings, settings_document, parsed_settings, rules
                 every setting and variable of ours; what their files were parsed to the last
                 time; the user's own rules for hosts
    environment  credentials in variables that name a host, and those of CI systems
    dropin       called by another helper's name, it is that helper
    log          the debug log, loaded only where it is asked for
    bounded      a provider that is not waited for past its deadline
    keychain     ask one source after another, keep a trace
    providers/   one cloud a folder, ecr, gcr, acr: its __init__, with setup and sources where it
                 has them, looks at environment and files only; its login loads the SDK, its
                 failures say what the SDK's errors mean
    provider     what a provider is and is asked with
    ambient, fingerprint
                 what tells a machine's cloud, and one identity from another, without asking
    document, folders, locks, network, private_folder, signals
                 JSON on disk, where a person's files are, locks between processes, whom to trust
                 and by which proxy to go, a folder that nobody else can read or plant in, what is
                 done before a signal ends us
    hosts        the host tables
    docker_hub   Docker Hub's several names
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

__version__ = "0.2.0"
