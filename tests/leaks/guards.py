"""The lines of the toolkit that keep secrets out of sight, and what removing each one would leave."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import PACKAGE


@dataclass(frozen=True)
class Guard:
    """A line that keeps a secret out of sight.

    Attributes:
        name: What it does, for messages.
        file: Path of its module in the package.
        present: Its source text, which occurs once in the file.
        absent: The text that takes its place when the guard is removed.
    """

    name: str
    file: str
    present: str
    absent: str

    def removed(self, folder: Path) -> Path:
        """Copy the toolkit into a folder, without this guard."""
        assert self.is_present(), f"{self.name}: its source text has changed"
        shutil.copytree(PACKAGE, folder / "toolkit")
        module = folder / "toolkit" / self.file
        module.write_text(module.read_text().replace(self.present, self.absent))
        return folder

    def is_present(self) -> bool:
        """Whether its source text occurs in its module, and only once."""
        return (PACKAGE / self.file).read_text().count(self.present) == 1


GUARDS = [
    Guard(
        "tracebacks omit frames that were given a secret",
        "runtime/tracebacks.py",
        "    return guarded\n",
        "    return call\n",
    ),
    Guard(
        "errors drop their frames and causes",
        "runtime/tracebacks.py",
        "    error.__cause__ = error.__context__ = None\n    return error.with_traceback(None)\n",
        "    return error\n",
    ),
    Guard(
        "logs of requests have no query",
        "transport/session.py",
        'arg.partition("?")[0]',
        "arg",
    ),
    Guard(
        "long runs of characters are removed from messages of the exchange",
        "redaction.py",
        "_LONG_RUN.sub(REDACTED, text)",
        "text",
    ),
    Guard(
        "e-mail addresses are removed from messages of the exchange",
        "redaction.py",
        '_POSSIBLE_ADDRESS.sub("(e-mail)", plain)',
        "plain",
    ),
    Guard(
        "errors about a redirect name only its host",
        "transport/responses.py",
        'without_secrets(urlsplit(response.headers.get("Location", "")).hostname or "", 80)',
        'response.headers.get("Location", "")',
    ),
    Guard(
        "credentials do not show their key",
        "auth/credentials.py",
        'f"Credentials({self.kind}, hidden)"',
        'f"Credentials({self.kind}, {self._key})"',
    ),
    Guard(
        "private arguments are hidden in the attrs of frames",
        "planning/__init__.py",
        "REDACTED if param.private else _to_json",
        "_to_json",
    ),
    Guard(
        "private arguments of link.get are hidden in the attrs of frames",
        "fetch/undeclared.py",
        '"(hidden)" if _PRIVATE.search(name) else ',
        "",
    ),
    Guard(
        "an invalid private argument is not repeated",
        "planning/values.py",
        "kind_of(value) if param.private else quoted(value)",
        "quoted(value)",
    ),
    Guard(
        "API keys in frames are masked",
        "redaction.py",
        'return key if "*" in key else key[:_KEY_SHOWN] + _KEY_STARS',
        "return key",
    ),
    Guard(
        "private arguments are masked in previews, outcomes and the journal",
        "writes/request.py",
        "        return redacted_argument(param, value)\n",
        "        return value\n",
    ),
    Guard(
        "keys in the responses to writes are masked",
        "redaction.py",
        "redacted[field] = masked_key(redacted[field])",
        "pass",
    ),
    Guard(
        "a new key does not show itself",
        "writes/outcome.py",
        'return "NewKey(hidden: read .key and .secret)"',
        'return f"NewKey({self.key}, {self.secret})"',
    ),
    Guard(
        "an invalid profile name is not repeated",
        "auth/keys/profiles.py",
        '"The name of a profile is short',
        'f"{name} is no name: the name of a profile is short',
    ),
    Guard(
        "an invalid file name is not repeated",
        "auth/keys/files.py",
        "(errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL)",
        "(errno.ENOENT,)",
    ),
    Guard(
        "an unknown field of a profile is not repeated if it may be a key",
        "auth/keys/profiles.py",
        'name if len(name) <= 20 else "(a long one)"',
        "name",
    ),
]

PROMPT = Guard(
    "typed answers are not shown",
    "auth/keys/prompt.py",
    "return getpass.getpass(question)",
    "return input(question)",
)
