"""What keeps secrets out of sight, each with the line that would be there without it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import PACKAGE


@dataclass(frozen=True)
class Guard:
    """A guard.

    Attributes:
        name: What it does.
        file: The module it is in.
        there: Its words.
        without: What would stand there without it.
    """

    name: str
    file: str
    there: str
    without: str

    def removed(self, folder: Path) -> Path:
        """A folder with the toolkit without it."""
        shutil.copytree(PACKAGE, folder / "toolkit")
        module = folder / "toolkit" / self.file
        text = module.read_text()
        assert text.count(self.there) == 1, f"{self.name}: it is written otherwise by now"
        module.write_text(text.replace(self.there, self.without))
        return folder


GUARDS = [
    Guard(
        "errors show no frame that was given something secret",
        "tracebacks.py",
        "    return guarded\n",
        "    return call\n",
    ),
    Guard(
        "errors lose the frames and causes they come from",
        "tracebacks.py",
        "    error.__cause__ = error.__context__ = None\n    return error.with_traceback(None)\n",
        "    return error\n",
    ),
    Guard(
        "logs of requests have no query",
        "wire/session.py",
        'argument.partition("?")[0]',
        "argument",
    ),
    Guard(
        "long runs of letters are taken out of what the exchange says",
        "privacy.py",
        "_LONG_RUN.sub(HIDDEN, text)",
        "text",
    ),
    Guard(
        "addresses are taken out of what the exchange says",
        "privacy.py",
        '_LIKELY.sub("(e-mail)", plain)',
        "plain",
    ),
    Guard(
        "of a redirect only the host is told",
        "wire/answers.py",
        'without_secrets(urlsplit(answer.headers.get("Location", "")).hostname or "", 80)',
        'answer.headers.get("Location", "")',
    ),
    Guard(
        "credentials do not show what they hold",
        "wire/credentials.py",
        'f"Credentials({self.kind}, hidden)"',
        'f"Credentials({self.kind}, {self._key})"',
    ),
    Guard(
        "frames do not say which private arguments they were asked for with",
        "plan/__init__.py",
        '"(hidden)" if param.private else ',
        "",
    ),
    Guard(
        "nor do those of any path",
        "fetch/fetcher.py",
        '"(hidden)" if _PRIVATE.search(name) else ',
        "",
    ),
    Guard(
        "a private argument that cannot be right is not repeated",
        "plan/values.py",
        "kind_of(value) if param.private else quoted(value)",
        "quoted(value)",
    ),
    Guard(
        "API keys in frames are masked",
        "privacy.py",
        'return key if "*" in key else key[:_KEY_SHOWN] + _KEY_STARS',
        "return key",
    ),
    Guard(
        "private arguments are masked in previews, outcomes and the journal",
        "operations/order.py",
        "        return masked_argument(param, value)\n",
        "        return value\n",
    ),
    Guard(
        "keys in the answers to writes are masked",
        "privacy.py",
        "shown[wire] = masked_key(shown[wire])",
        "pass",
    ),
    Guard(
        "a new key does not show what it holds",
        "operations/outcome.py",
        'return "NewKey(hidden: read .key and .secret)"',
        'return f"NewKey({self.key}, {self.secret})"',
    ),
    Guard(
        "what cannot be a profile's name is not repeated",
        "keys/profiles.py",
        "'A profile has a short name",
        "f'{name} is none: a profile has a short name",
    ),
    Guard(
        "what cannot be the name of a file is not repeated",
        "keys/files.py",
        "(errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL)",
        "(errno.ENOENT,)",
    ),
    Guard(
        "a field that is none is not repeated where it may be a key",
        "keys/profiles.py",
        'name if len(name) <= 20 else "(a long one)"',
        "name",
    ),
]

PROMPT = Guard(
    "what is typed is not shown",
    "keys/prompt.py",
    "return getpass.getpass(question)",
    "return input(question)",
)
