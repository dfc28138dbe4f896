"""Messages about this program's settings and rules."""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # Files and variables
    "settings.cannot-read": Message("{path} cannot be read: {problem}"),
    "settings.missing-file": Message(
        "the file that {variable} names does not exist",
        "set {variable} to the path of a settings file, or unset it",
    ),
    "settings.too-long": Message("{path} is over {limit} MiB, too long for a settings file"),
    "settings.not-utf": Message("the text is not UTF-8", "save the file as UTF-8"),
    "settings.not-toml": Message(
        "the syntax is not TOML",
        cause="A settings file is TOML. The line is where the parser stops: the mistake can also be"
        " above it, as where a quotation mark is missing.",
    ),
    "settings.deep-key": Message("a key has more than {limit} dots"),
    "settings.too-deep": Message("the tables are nested too deeply"),
    "settings.number-too-long": Message("a number has thousands of digits"),
    # Credentials in variables
    "settings.half-pair": Message(
        "{there} is set and {missing} is not", "set {missing}, or unset {there}"
    ),
    "settings.no-pair": Message("no variables name the host"),
    "settings.no-ci-variables": Message("no variables of a CI system name the host"),
    # Settings
    "settings.unknown-setting": Message("unknown setting {name}", "{suggestion}"),
    "settings.invalid-value": Message("{name} is not {expected}"),
    "settings.invalid-variable": Message(
        "{variable} is not {expected}", "set {variable} to {expected}, or unset it"
    ),
    "settings.not-table": Message("{name} is not a table", "write [{name}] above its options"),
    # Options
    "settings.unknown-option": Message("{name} is not an option of {cloud}", "{suggestion}"),
    "settings.invalid-option": Message(
        "{name} is neither a text nor true or false", 'write {name} = "VALUE"'
    ),
    # Rules
    "settings.rules-not-tables": Message(
        "rule is not a list of tables", "write [[rule]] above each rule"
    ),
    "settings.rule-without-match": Message(
        "the rule has no match",
        "{suggestion}",
        cause="A rule without a match could apply to any registry. Until you correct it, every"
        " registry is refused, except Docker Hub and those that a rule above it matches.",
    ),
    "settings.unknown-rule-key": Message("{name} is not a key of this rule", "{suggestion}"),
    "settings.empty-rule": Message(
        "the rule has nothing but match",
        "add provider, helper, answer, alias, list, or an option of its cloud",
    ),
    "settings.rule-conflict": Message(
        "{name} cannot stand beside {other}",
        cause="A helper or an answer is the only source of its rule, so nothing else in the rule"
        " would have an effect.",
        cure="Remove one of the two, or write two rules.",
    ),
    "settings.not-text": Message("{name} is not a text", 'write {name} = "VALUE"'),
    "settings.not-switch": Message("{name} is neither true nor false", "write {name} = true"),
    "settings.invalid-word": Message("{name} is not {expected}", "{suggestion}"),
    "settings.helper-name": Message(
        "helper is not the name of a helper", "docker-credential-pass on PATH is written pass"
    ),
    "settings.alias-unknown": Message(
        "alias is not a registry of a cloud",
        "an alias names the registry's own host, as in {example}",
    ),
    "settings.alias-provider": Message("the alias is a registry of {cloud}"),
    "settings.pattern-stars": Message("match has ** in another place than the beginning of a host"),
    "settings.pattern-host": Message(
        "match is not a host, host:port or host/path, with * within labels"
    ),
    "settings.pattern-port": Message("match has a port that is neither a number nor *"),
    "settings.list-pattern": Message("list needs a match of one host, without * and without path"),
    "settings.list-provider": Message("list needs a registry of a cloud, or an alias for one"),
    # What a rule comes to for a host
    "settings.rule-refuses": Message(
        "the rule at {place} refuses credentials for this registry",
        cause='A rule with answer = "none" makes clients stop instead of pulling anonymously.',
    ),
    "settings.host-of-no-cloud": Message(
        "{host} is not a registry of {cloud}",
        'if this host stands for such a registry, add alias = "REGISTRY" to the rule',
    ),
    "settings.option-without-cloud": Message(
        "{name} is an option of a cloud, and {host} is not a cloud's registry"
    ),
    "settings.option-of-other-cloud": Message("{name} is not an option of {cloud}"),
    "settings.cloud-left-out": Message(
        "this build has no provider for {cloud}, which the rule needs",
        "install a build with {cloud}, or remove the rule",
        cause="A slim build leaves clouds out. A rule that needs one of them is an error: without"
        " the provider, a pull would go on anonymously.",
    ),
    "settings.log-unusable": Message(
        "no log is written to {place}: {problem}",
        "set DOCKER_CREDENTIAL_MULTI_LOG to stderr or to a file of yours",
    ),
}
