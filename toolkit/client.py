"""The client: `Link` and its namespaces, one for each documented API. All of them only read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import pandas as pd

from toolkit.api.reads.exchange import ExchangeReads
from toolkit.api.reads.futures import FuturesReads
from toolkit.api.reads.portfolio import PortfolioReads
from toolkit.api.reads.resource import interrupts_explained
from toolkit.api.reads.spot import SpotReads
from toolkit.api.resource import LinkBound
from toolkit.auth.keys import Keys, ask_keys, find_keys
from toolkit.endpoints import BASE_URLS, ENDPOINTS_BY_NAME, Host
from toolkit.errors import NoKeyError, UsageError
from toolkit.fetch.fetcher import Fetcher
from toolkit.fetch.paged_window import requests_for
from toolkit.fetch.progress import notice
from toolkit.frames.builder import Numbers
from toolkit.gateway.connection import Connection
from toolkit.ratelimit.usage import usage
from toolkit.ratelimit.view import BudgetView
from toolkit.redaction import Emails
from toolkit.runtime.tracebacks import without_frames
from toolkit.text.printable import printable
from toolkit.text.suggestions import Suggests, closest, did_you_mean
from toolkit.timing.clock import Clock

if TYPE_CHECKING:
    from toolkit.api.writes.operations import Operations
    from toolkit.doctor import Diagnosis

__all__ = ["Link", "Settings", "WeightEstimate"]


def __dir__() -> list[str]:
    return __all__


class Settings(TypedDict, total=False):
    """What can be chosen of a Link besides its keys; `Link` says what each means."""

    hosts: Mapping[Host, str] | None
    numbers: Numbers
    emails: Emails
    recv_window: int
    timeout: tuple[float, float]
    proxies: Mapping[str, str] | None
    verify: bool | str | Path
    limits: Mapping[str, int] | None
    limit_fraction: float
    progress: bool
    workers: int
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class WeightEstimate(Suggests):
    """What a fetch will cost.

    Attributes:
        requests: Requests it takes.
        weight: Weight of them all.
        rate_limit: Name of the pool they are charged to.
        limit: What that pool allows in a minute.
    """

    requests: int
    weight: int
    rate_limit: str
    limit: int


class Link(LinkBound):
    """A Binance Link partner's view of the exchange: every read is a method that returns a DataFrame.

    Threads may share a Link. All Links, threads, kernels and scripts of this machine that talk to the
    same exchange share one budget of rate-limit weight. Nothing here changes anything at the exchange.

    Keys come from the first of these that has any: the arguments; the environment (TOOLKIT_KEY with
    TOOLKIT_SECRET or TOOLKIT_PRIVATE_KEY); the profile "default" in the file of profiles; the keyring of the
    system. Who names a profile means that one, in the file or the keyring. `Link.from_prompt()` asks for a key.

    Args:
        profile: Name of a profile, such as "reporting".
        key: API key; case-sensitive, used as it is.
        secret: Its secret; case-sensitive, used as it is. A private key in PEM is taken for what it is.
        private_key: Path of the file that holds its private key, Ed25519 or RSA, in PEM. Nobody else may read
            that file.
        passphrase: What the private key is locked with, if it is. When not given, that of the profile, the
            keyring or TOOLKIT_PASSPHRASE.
        keys: Keys that were found before, as by `toolkit.auth.keys.find_keys`, instead of all of the above.
        hosts: Other addresses for the three base hosts "api", "fapi" and "papi". https, or http for
            this machine.
        numbers: Amounts as "float" (float64) or "exact" (decimal128) columns.
        emails: E-mail addresses, which are personal data, "masked" or "clear".
        recv_window: Milliseconds a request stays valid, 60000 at most.
        timeout: Seconds to connect, and seconds to wait for each piece of an answer.
        proxies: As in requests; the environment's when not given.
        verify: True, or the path of a file of certificates to trust. Certificates are always checked.
        limits: Weight a window by name of pool, where this address is allowed another than the
            exchange says. They hold for every Link of the process that talks to the same exchange,
            until others are given.
        limit_fraction: Part of every limit this machine may have used when this Link still sends: 0.5 leaves half
            of the allowance to a bot at the same address, or to another kernel with a greater share.
        progress: Show a bar for a fetch that takes longer than a second, and what any call waits for. Each
            wait of over a second is logged as well, at level INFO, with its reason and its end.
        workers: Requests a long fetch has under way at once, at most.
        clock: Where time is read and waited; tests pass one of their own.

    Attributes:
        exchange: Exchange Link: sub-accounts, their keys, balances, transfers and rebates.
        spot: Link and Trade (Spot): customers and rebates.
        futures: Link and Trade (Futures): customers and daily reports, USD-M and COIN-M.
        portfolio: Link and Trade (Portfolio Margin).

    Raises:
        NoKeyError: There is no key, or it cannot be used.
        UsageError: Another argument cannot be right.
    """

    @without_frames
    def __init__(
        self,
        profile: str | None = None,
        *,
        key: str | None = None,
        secret: str | None = None,
        private_key: str | Path | None = None,
        passphrase: str | None = None,
        keys: Keys | None = None,
        hosts: Mapping[Host, str] | None = None,
        numbers: Numbers = "float",
        emails: Emails = "masked",
        recv_window: int = 5000,
        timeout: tuple[float, float] = (5.0, 30.0),
        proxies: Mapping[str, str] | None = None,
        verify: bool | str | Path = True,
        limits: Mapping[str, int] | None = None,
        limit_fraction: float = 1.0,
        progress: bool = True,
        workers: int = 16,
        clock: Clock | None = None,
    ) -> None:
        given = (profile, key, secret, private_key, passphrase)
        if keys is None:
            keys = find_keys(profile, key=key, secret=secret, private_key=private_key, passphrase=passphrase)
        elif any(each is not None for each in given):
            raise NoKeyError("Give `keys`, or say where they are, and not both. Nothing was sent.")
        elif not isinstance(keys, Keys):
            raise NoKeyError("`keys` is what `toolkit.auth.keys.find_keys` gives. Nothing was sent.")
        self._connection = Connection(
            keys,
            hosts=hosts,
            recv_window=recv_window,
            timeout=timeout,
            proxies=proxies,
            verify=verify,
            limits=limits,
            limit_fraction=limit_fraction,
            show=notice if progress else None,
            clock=clock,
        )
        self._budget = BudgetView(self._connection.budget)
        self._fetcher = Fetcher(self._connection, numbers, emails=emails, progress=progress, workers=workers)
        self.exchange = ExchangeReads(self._fetcher)
        self.spot = SpotReads(self._fetcher)
        self.futures = FuturesReads(self._fetcher)
        self.portfolio = PortfolioReads(self._fetcher)

    @staticmethod
    @without_frames
    def from_prompt(profile: str | None = None, **settings: Unpack[Settings]) -> Link:
        """A Link on a key that is typed into a hidden prompt, in a notebook or a terminal.

        What is typed is kept in memory and nowhere else. Asked are the key and its secret, or the path of its
        private key; of a profile the passphrase of its private key, where it is nowhere else.

        Args:
            profile: Name of a profile whose private key is locked.
            settings: The other arguments of `Link`.

        Raises:
            NoKeyError: What was typed cannot be a key, or there is nobody to ask.
            UsageError: Another argument cannot be right.
        """
        return Link(keys=ask_keys(profile), **settings)

    @property
    def source(self) -> str:
        """Where rows come from: "live", or "sandbox" where every host is this machine."""
        return self._connection.source

    @property
    def budget(self) -> BudgetView:
        """What the exchange has counted, and what may still be sent."""
        return self._budget

    @property
    def hosts(self) -> Mapping[Host, str]:
        """Address of each base host."""
        return MappingProxyType(self._connection.session.hosts)

    def clock_offset(self, host: Host = "api") -> float | None:
        """Seconds a host's clock is ahead of this machine's, None before it was first asked.

        Args:
            host: "api", "fapi" or "papi".

        Raises:
            UsageError: There is no such host.
        """
        if host not in self._connection.host_clocks:
            raise UsageError(
                f"There is no host {host!r}: there are {', '.join(BASE_URLS)}.{did_you_mean(host, BASE_URLS)}"
            )
        return self._connection.host_clocks[host].offset

    def operations(
        self,
        *,
        confirm: str = "",
        profile: str | None = None,
        key: str | None = None,
        secret: str | None = None,
        private_key: str | Path | None = None,
        passphrase: str | None = None,
        same_account: bool = False,
        parameters: Literal["body", "query", "mixed"] = "body",
        journal: str | Path | None = None,
    ) -> Operations:
        """The doors for writing: what changes something at the exchange. Nothing is changed by this.

        Each call is written to a journal before it is sent, goes out once, and gives an outcome: confirmed,
        rejected, or unknown, which `outcome.reconcile()` settles by asking the exchange.

        Args:
            confirm: "live", where this Link talks to the real exchange; the sandbox asks for nothing.
            profile: Profile of the key for writing, where it is not among the Link's own keys: the Link
                itself never uses it.
            key: Or that key itself.
            secret: Its secret.
            private_key: Or the file of its private key.
            passphrase: What that is locked with.
            same_account: That key, and those that wrote in the journal before, are of the Link's own account:
                what is read with the Link's key tells what became of their writes.
            parameters: Where parameters go: in the form "body", so that addresses and amounts are in no
                address; in the "query" string; or "mixed", with ids in the query string.
            journal: Folder of the journal; that of TOOLKIT_JOURNAL or your state folder when not given.

        Raises:
            UsageError: An argument cannot be right.
            JournalError: There can be no journal.
        """
        from toolkit.api.writes.operations import Operations

        is_given = any(each is not None for each in (profile, key, secret, private_key))
        if passphrase is not None and not is_given:
            raise NoKeyError("`passphrase` is that of a key: give it a profile or a key. Nothing was sent.")
        return Operations(
            self._connection,
            self._fetcher,
            confirm=confirm,
            keys=find_keys(profile, key=key, secret=secret, private_key=private_key, passphrase=passphrase)
            if is_given
            else None,
            same_account=same_account,
            parameters=parameters,
            journal=journal,
        )

    def estimate_weight(self, endpoint: str, rows: int = 1) -> WeightEstimate:
        """What a fetch of so many rows will cost, nothing sent.

        Where rows come in pages the last request is for the empty one that tells the end. One row that was
        asked for by all that names it takes no such request.

        Args:
            endpoint: The door, such as "exchange.spot_balances".
            rows: Rows expected.

        Raises:
            UsageError: There is no such door, its price depends on how its rows lie in the span, or
                `rows` is no number of rows.
        """
        declared = ENDPOINTS_BY_NAME.get(endpoint)
        if declared is None:
            question = did_you_mean(endpoint, ENDPOINTS_BY_NAME)
            raise UsageError(
                f"There is no door {endpoint!r}.{question} `toolkit.list_endpoints()` lists them all."
            )
        if declared.window:
            raise UsageError(
                f"What {endpoint} costs depends on how its rows lie in the span, which only fetching tells; a "
                f"request weighs {declared.weight_of({})}."
            )
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            raise UsageError(f"`rows` is a whole number from 0 on, not {rows!r}.")
        requests = requests_for(declared, rows)
        limit = self.budget.limit(declared.rate_limit)
        return WeightEstimate(requests, requests * declared.weight_of({}), declared.rate_limit.name, limit)

    def get(
        self,
        path: str,
        *,
        weight: int = 1,
        limit_by_uid: bool = False,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
        **parameters: object,
    ) -> pd.DataFrame:
        """One signed GET of any path: for endpoints the catalogue does not have yet.

        Parameters go out as they are named and in their order. The answer's columns are inferred by the
        rules of the declared ones: names in snake_case, identifiers as text, amounts as numbers, times
        as UTC. There are no windows and no pages: what one answer holds is what comes back. Whether a list
        goes on is not known: its `attrs["complete"]` is False. E-mail addresses are masked wherever they
        stand.

        Args:
            path: Path of the endpoint, such as "/sapi/v1/account/apiRestrictions".
            weight: What the documents say a request weighs, 1 where they say nothing. For a path the
                catalogue has, its own weight counts.
            limit_by_uid: Its weight is counted by account (UID) instead of by address.
            numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.
            emails: E-mail addresses "masked" or "clear"; as chosen on the Link when not given.
            parameters: Parameters by their wire names.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ApiError: The exchange refused the request; nothing was executed.
            ServerError: The exchange's side failed time after time.
            ContractError: The answer is not JSON, or its columns hold values of mixed kinds.
        """
        with interrupts_explained():
            return self._fetcher.get(
                path, parameters, weight=weight, limit_by_uid=limit_by_uid, numbers=numbers, emails=emails
            )

    def usage(self) -> pd.DataFrame:
        """Who has used how much of the rate limits, one row a counter and process; nothing is sent.

        The rows are those of the windows that run at this moment: a row for each process of this machine
        that used a counter, one called "others" where programs that do not share the budget used it too,
        and one for each count the exchange gave that nobody here is charged with, such as orders. Pools
        come in the catalogue's order, in each this process first.

        The `used` of a counter's rows make up its `total`, except for what is on its way: requests without
        an answer yet may be in the exchange's count already, or not be in it yet. `total`, `limit` and
        `limit_fraction` are the counter's, the same on each of its rows: take them once, not their sum.

        Returns:
            A frame with the columns

            - rate_limit (text): What is counted: api, sapi-ip, sapi-uid, fapi or papi.
            - endpoint (text): The door that has the counter to itself; missing where the pool is shared.
            - counts (text): What is counted, weight or orders.
            - window (time): Start of the running window, by the exchange's clock.
            - seconds (integer): Length of the window.
            - process (text): The notebook or script that used it, or "others"; missing where nobody is
              told apart.
            - pid (integer): Number of the process; missing for others.
            - here (flag): Whether it is this very process.
            - used (integer): What it used, weight of answered requests (for others: at least).
            - in_flight (integer): Weight of its requests without an answer yet; not known of others.
            - total (integer): What everybody on this address (or account) used, by the exchange's count.
            - limit (integer): What is allowed in a window; missing where the exchange did not tell.
            - share (number): Total and all that is in flight, as a part of the limit.
            - resets_at (time): When the window turns, by the exchange's clock.

            `attrs` say when it was taken, and in "alone" why this process keeps its budget to itself
            ("" where it shares it with the other processes of this machine, or was told not to).
        """
        return usage(self.budget.snapshot(), self._connection.source)

    def doctor(self) -> Diagnosis:
        """What is well and what is not: hosts, clocks, keys, limits, ledger, journal and versions.

        It tells the round trip to each host, how far this machine's clock is off, what each key is and may
        do, by the exchange's own words, and whether from anywhere; whether this address is banned, how full
        the fullest counter is, whether ledger and journal are sound, and what was set up. Whatever is wrong
        is a line of the diagnosis and not an error. Nothing secret is in it.

        Requests: each host is asked for its time (twice where the first answer takes over a second), and
        `GET /sapi/v1/account/apiRestrictions` once with each key that may serve USER_DATA. Weight: 1 of each
        pool of a host, and 1 a key of pool sapi-ip. Nothing is asked again, unless the exchange does not
        accept the time of a request (-1021): then its clock and the key's rights are, once. Nothing is sent
        where this address is banned or was asked to wait. Where the minute is used up, it waits for the next.

        Returns:
            A `Diagnosis`: shown in a cell it is a picture, `.frame` has a row for each thing that was looked
            at, `.verdict` is the worst of all, and it is true when nothing failed.

        Source:
            https://developers.binance.com/docs/wallet/account/api-key-permission
        """
        from toolkit.doctor import run_checks

        return run_checks(self._connection)

    def close(self) -> None:
        """Close every connection. The Link may be used again afterwards: it opens new ones."""
        self._connection.close()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _elsewhere(self, name: str) -> list[str]:
        names = {declared.name for declared in ENDPOINTS_BY_NAME.values()}
        near = [name] if name in names else closest(name, names)
        return [f"`{endpoint}`" for endpoint, declared in ENDPOINTS_BY_NAME.items() if declared.name in near]

    def __repr__(self) -> str:
        hosts = ", ".join(dict.fromkeys(self.hosts.values()))
        return printable(f"{type(self).__name__}({self.source}: {hosts})")
