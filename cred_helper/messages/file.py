"""Messages about files.

The reasons do not name the file: ``file.at`` puts its name in front.
"""

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "file.at": Message("{place}: {reason}"),
    "file.not-ini": Message("{path} cannot be parsed: line {line} is not valid"),
    "file.unreadable": Message("{path} cannot be read: {reason}"),
    "file.cannot-read": Message(
        "cannot be read: {problem}",
        cause="The operating system does not let this user read the file, or it is not a file.",
        cure="Give it back its owner and mode (0600), or remove it if no program needs it.",
    ),
    "file.too-large": Message("larger than {limit} MiB"),
    "file.wide-encoding": Message("line 1: encoded as UTF-16", "save the file as UTF-8"),
    "file.encoding": Message("line {line}: not UTF-8", "save the file as UTF-8"),
    "file.not-json": Message(
        "line {line}: not JSON ({problem})",
        cause="The file has a mistake in its JSON: often a comma too many, a missing quotation"
        " mark or a comment. Its content is not shown, since it may hold secrets.",
    ),
    "file.long-number": Message("line {line}: a number has more than {limit} digits"),
    "file.deep-nesting": Message("line 1: nested too deeply"),
    "file.not-object": Message("line 1: not a JSON object"),
}
