"""`Link`, which has all there is to read, and the way to what can be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Unpack

import pandas as pd

from toolkit.api.reads.account import AccountReads
from toolkit.api.reads.exchange import ExchangeReads
from toolkit.api.reads.futures import FuturesReads
from toolkit.api.reads.market import MarketReads
from toolkit.api.reads.portfolio import PortfolioReads
from toolkit.api.reads.resource import interrupts_explained
from toolkit.api.reads.spot import SpotReads
from toolkit.auth.keys import Keys, find_keys
from toolkit.auth.keys.prompt import ask_keys
from toolkit.client.settings import Settings
from toolkit.client.status import LinkStatus
from toolkit.endpoints import ENDPOINTS_BY_NAME, Host, Security
from toolkit.errors import NoKeyError
from toolkit.fetch.estimates import WeightEstimate
from toolkit.fetch.fetcher import Fetcher
from toolkit.fetch.given_names import NamesSource, names_from
from toolkit.fetch.progress import notice
from toolkit.frames.builder import Numbers
from toolkit.gateway.connection import Connection
from toolkit.planning import When
from toolkit.redaction import Emails
from toolkit.runtime.tracebacks import without_frames
from toolkit.text.printable import printable
from toolkit.text.suggestions import closest
from toolkit.timing.clock import Clock

if TYPE_CHECKING:
    from toolkit.api.writes.operations import Operations


class Link(LinkStatus):
    """Client for the Binance Link API. Each read is a method that returns a DataFrame.

    A Link only reads; `operations()` gives the methods that write. Threads can share a Link. All Links,
    kernels and scripts of this machine that talk to the same exchange share one budget of rate limits.

    Keys are taken from the first of these places that has any: the arguments; the environment (TOOLKIT_KEY
    with TOOLKIT_SECRET or TOOLKIT_PRIVATE_KEY); the profile "default" in the file of profiles; the system's
    keyring. An explicit profile overrides the environment. `Link.from_prompt()` asks for a key. Where none of
    them has a key, the Link has none, which is enough for public endpoints; a call of another one raises
    `NoKeyError`. A key that is there but cannot be used raises it at once.

    Args:
        profile: Name of a profile, such as "reporting".
        key: API key; case-sensitive, used unchanged.
        secret: Its secret; case-sensitive, used unchanged. A private key in PEM format is accepted, too.
        private_key: Path of the file with its private key, Ed25519 or RSA, in PEM format. No other user may
            be able to read this file.
        passphrase: Passphrase of the private key. Defaults to that of the profile, of the keyring or of
            TOOLKIT_PASSPHRASE.
        keys: Keys that `toolkit.auth.keys.find_keys` returned, instead of all of the above.
        hosts: Addresses for those of the hosts "api", "fapi" and "papi" that differ from the exchange's:
            https, or http for this machine. Requests to the others go to the exchange, with the same key.
        numbers: Amounts as "float" (float64) or "exact" (decimal128) columns.
        emails: E-mail addresses, which are personal data, "masked" or "clear".
        recv_window: Milliseconds a request stays valid, at most 60000.
        timeout: Seconds to wait for a connection, and seconds to wait for each part of a response.
        proxies: As in requests; defaults to those of the environment.
        verify: True, or the path of a file of trusted certificates. Certificates are always checked.
        limits: Weight allowed in a window, by name of the rate limit, if this address has other limits than
            the exchange reports. They apply to all Links of this process that talk to the same exchange,
            until replaced.
        limit_fraction: Fraction of each limit up to which this Link sends. It counts what everyone at this
            address has used: 0.5 leaves half of each limit to a trading bot, or to a kernel with a higher
            fraction.
        progress: Show a progress bar for a fetch that takes longer than a second, and show what a call
            waits for. Waits of more than a second are also logged, at level INFO, with reason and end.
        workers: Maximum number of concurrent requests of one fetch.
        names: Your own names of customers and sub-accounts, by id: a dict, a DataFrame with the columns `id`
            and `name`, or the path of such a CSV file. Frames then have a column of names beside each of
            these ids, such as `sub_account_name`, and charts and panels show them. Names are sent nowhere.
        clock: Source of time and of waiting; for tests.

    Attributes:
        exchange: Exchange Link: sub-accounts, their keys, balances, transfers and rebates.
        spot: Link and Trade (Spot): customers and rebates.
        futures: Link and Trade (Futures): customers and daily reports, USD-M and COIN-M.
        portfolio: Link and Trade (Portfolio Margin).
        account: The account of the key itself: `account.spot`, `account.wallet` and `account.futures`.
        market: Market data without a key: `market.spot` and `market.futures` (USD-M).

    Raises:
        NoKeyError: The key cannot be used, or the profile does not exist.
        UsageError: Another argument is invalid.
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
        workers: int = 64,
        names: NamesSource | None = None,
        clock: Clock | None = None,
    ) -> None:
        checked_names = names_from(names)
        given = (profile, key, secret, private_key, passphrase)
        if keys is None:
            keys = find_keys(
                profile,
                key=key,
                secret=secret,
                private_key=private_key,
                passphrase=passphrase,
                required=False,
            )
        elif any(each is not None for each in given):
            raise NoKeyError("Give either `keys` or where to find them, not both. Nothing was sent.")
        elif not isinstance(keys, Keys):
            raise NoKeyError("`keys` is a result of `toolkit.auth.keys.find_keys`. Nothing was sent.")
        super().__init__(
            Connection(
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
        )
        self._fetcher = Fetcher(
            self._connection,
            numbers,
            emails=emails,
            progress=progress,
            workers=workers,
            names=checked_names,
        )
        self.exchange = ExchangeReads(self._fetcher)
        self.spot = SpotReads(self._fetcher)
        self.futures = FuturesReads(self._fetcher)
        self.portfolio = PortfolioReads(self._fetcher)
        self.account = AccountReads(self._fetcher)
        self.market = MarketReads(self._fetcher)

    @staticmethod
    @without_frames
    def from_prompt(profile: str | None = None, **settings: Unpack[Settings]) -> Link:
        """A Link whose key is typed into a hidden prompt, in a notebook or a terminal.

        The prompt asks for the API key and its secret, or the path of its private key. With a profile, it
        asks only for the passphrase of the private key. The input is kept in memory and stored nowhere.

        Args:
            profile: Name of a profile whose private key has a passphrase.
            settings: Other arguments of `Link`.

        Raises:
            NoKeyError: The input cannot be a key, or there is no terminal or notebook to prompt in.
            UsageError: Another argument is invalid.
        """
        return Link(keys=ask_keys(profile), **settings)

    @property
    def names(self) -> Mapping[str, str]:
        """Your own names of customers and sub-accounts, by id, read-only; empty if none were given."""
        names = self._fetcher.names
        return MappingProxyType({}) if names is None else names.by_id

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
        """Methods that change something at the exchange. This call itself changes nothing.

        Each write is recorded in a journal before it is sent, is sent once, and has an outcome: confirmed,
        rejected or unknown. `outcome.reconcile()` resolves an unknown one by asking the exchange.

        Args:
            confirm: "live", required if this Link talks to the real exchange; the sandbox needs none.
            profile: Profile of the key for writing, if it is not one of the Link's own. The Link itself does
                not use it.
            key: That key itself, instead of a profile.
            secret: Its secret.
            private_key: Or the file of its private key.
            passphrase: Passphrase of the private key.
            same_account: Whether this key, and the keys of earlier calls in the journal, belong to the
                account of the Link. Reads with the Link's key can then resolve their outcomes. It need not be
                said where the exchange tells both keys the same `account_id`.
            parameters: Where parameters are sent: in the form "body", which keeps addresses and amounts out
                of URLs; in the "query" string; or "mixed", with ids in the query string.
            journal: Folder of the journal; defaults to TOOLKIT_JOURNAL or to your state folder.

        Raises:
            UsageError: An argument is invalid.
            JournalError: The journal cannot be opened.
        """
        from toolkit.api.writes.operations import Operations

        is_given = any(each is not None for each in (profile, key, secret, private_key))
        if passphrase is not None and not is_given:
            raise NoKeyError("`passphrase` needs a profile or a key that it belongs to. Nothing was sent.")
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

    def estimate_weight(
        self,
        endpoint: str,
        rows: int | None = None,
        *,
        start: When = None,
        end: When = None,
        **arguments: object,
    ) -> WeightEstimate:
        """Estimate the weight of a fetch, and how long its rate limit makes it take; nothing is sent.

        For an endpoint with a span it is a lower bound: what the fetch takes if no window has more rows than
        a response can have. Otherwise the number of rows decides; for endpoints with pages it includes the
        request for the empty page that ends the fetch, unless the arguments identify a single row.

        Args:
            endpoint: Name of the endpoint, such as "account.spot.trades".
            rows: Expected number of rows; of each value, where an argument has several.
            start: Start of the span, as for the method.
            end: End of the span, as for the method.
            arguments: Other arguments of the method. They may be left out where there is no span.

        Returns:
            A `WeightEstimate`: the number of requests, their weight, the rate limit, and how many minutes it
            makes the fetch take at least. `at_least` says whether there may be more requests.

        Raises:
            UsageError: There is no such endpoint, or an argument is invalid.

        Example:
            >>> link.estimate_weight("exchange.spot_balances", rows=240)
            >>> link.estimate_weight("account.spot.trades", symbol=["BTCUSDT", "ETHUSDT"], start="-365D")
        """
        return self._fetcher.estimate(endpoint, rows, arguments, start=start, end=end)

    def get(
        self,
        path: str,
        *,
        rows: str | int | None = None,
        columns: Sequence[str] | None = None,
        security: Security = "SIGNED",
        weight: int = 1,
        limit_by_uid: bool = False,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
        **parameters: object,
    ) -> pd.DataFrame:
        """Send one GET request to any path, for endpoints that the toolkit does not know yet.

        Parameters are sent with the given names, in the given order. Spans are not split and pages not
        followed, so a list may go on: `attrs["complete"]` is then False.

        Objects around the rows are opened, and their other fields are columns of each row. Without a list, an
        object is one row, and so is each of several like objects in an object, with its name in the column
        `name`. Fields of an object within a row become columns such as `fees_maker`; a list within a row
        stays JSON text. The items of rows that are lists are called `c0`, `c1`, and so on.

        The type of a column follows from its name, or else from how its values are written. Ids, codes,
        states, types, tags and names are text. Times are in UTC, whatever their unit; 0, -1 and "" are
        missing ones. Whole JSON numbers are integers; other numbers, and texts that are numbers, are amounts.
        Keys are masked, and so are e-mail addresses, wherever they occur.

        Where a path has a method of its own, `attrs["declared_as"]` names it, such as "market.spot.klines":
        `link.market.spot.klines` splits spans, follows pages and checks what it returns.

        Args:
            path: Path of the endpoint, such as "/sapi/v1/account/apiRestrictions".
            rows: Which list or object has the rows, where there are several lists: its field, or several
                fields joined by dots, such as "snapshotVos.data.balances". Other lists around the rows are
                left out. A number is sent, as a parameter of that name.
            columns: Names for the items of rows that are lists, one for each; they decide the types, too.
            security: Documented security type: NONE sends neither key nor signature, MARKET_DATA only the
                key. Public endpoints refuse signed requests. Ignored where the path is declared.
            weight: Documented weight of a request. Ignored where the path is declared.
            limit_by_uid: Whether the weight is counted per account (UID) instead of per IP address.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.
            emails: E-mail addresses "masked" or "clear"; defaults to the setting of the Link.
            parameters: Parameters, by the names the exchange gives them.

        Raises:
            UsageError: An argument is invalid, and nothing was sent. Or the response has several lists, or
                not the shape that `rows` or `columns` says; `partial` then has all of it, as one row with its
                lists as JSON text.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly.
            ContractError: The response is not JSON, or too large for a frame.

        Example:
            >>> link.get("/sapi/v1/broker/subAccount", page=2, size=100)
            >>> link.get("/api/v3/exchangeInfo", security="NONE", symbol="BTCUSDT", rows="symbols")
        """
        with interrupts_explained():
            return self._fetcher.get(
                path,
                parameters,
                rows=rows,
                columns=columns,
                security=security,
                weight=weight,
                limit_by_uid=limit_by_uid,
                numbers=numbers,
                emails=emails,
            )

    def _elsewhere(self, name: str) -> list[str]:
        names = {declared.name for declared in ENDPOINTS_BY_NAME.values()}
        near = [name] if name in names else closest(name, names)
        return [f"`{endpoint}`" for endpoint, declared in ENDPOINTS_BY_NAME.items() if declared.name in near]

    def __repr__(self) -> str:
        hosts = ", ".join(dict.fromkeys(self.hosts.values()))
        without_key = "" if len(self._connection.sender.keys) else ", no key"
        return printable(f"{type(self).__name__}({self.source}{without_key}: {hosts})")
