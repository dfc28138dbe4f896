"""The helpers of every suite: the executable under test, its machine, and its secrets.

executable.py  Executable: one process, bytes in, bytes and an exit status out
preloaded.py   the same process as a fork that has the SDKs loaded; preloaded_server.py forks
machine.py     Machine: a home, a folder of programs, an environment, and the executable
programs.py    Programs: scripts on PATH, each with a log of its runs
leftovers.py   processes that a test leaves behind, which fail it
terminal.py    a conversation at a pseudo terminal
marks.py       MarkedSecrets: secrets that are recognised in any encoding
identities.py  IDENTITIES: every identity source of every cloud, with a secret of its own
signals.py     the signals that the caller of pytest ignores or blocks
"""
