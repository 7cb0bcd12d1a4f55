"""What a `Link` says about its connection: hosts, clocks, rate limits, and whose its key is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

import pandas as pd

from toolkit.api.reads.resource import interrupts_explained
from toolkit.api.resource import LinkBound
from toolkit.endpoints import BASE_URLS, Host
from toolkit.errors import UsageError
from toolkit.gateway.connection import Connection
from toolkit.ratelimit.usage import usage
from toolkit.ratelimit.view import BudgetView
from toolkit.text.suggestions import did_you_mean

if TYPE_CHECKING:
    from toolkit.doctor import Diagnosis


class LinkStatus(LinkBound):
    """The connection of a `Link`, as its user sees it.

    Args:
        connection: The connection.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._budget = BudgetView(connection.budget)

    @property
    def source(self) -> str:
        """Source of the rows: "live", or "sandbox" if every host, without exception, is this machine."""
        return self._connection.source

    @property
    def budget(self) -> BudgetView:
        """Used and allowed weight of the rate limits, read-only."""
        return self._budget

    @property
    def hosts(self) -> Mapping[Host, str]:
        """Address of each host."""
        return MappingProxyType(self._connection.session.hosts)

    def account_id(self) -> str:
        """The id of the account behind the Link's key, such as "uid:354937868". A new key has the same.

        It begins with what it is: `uid` is the id that the exchange gives the account. Where it tells none,
        `futures-alias` is its short code of the futures account. Those of a sandbox begin with "sandbox-".
        Neither the key nor anything derived from it is in it.

        Frames of private reads have it in `attrs["account"]`. It is looked up once for each key, with a key
        of the Link that may serve USER_DATA, and kept in your state folder, under a salted digest of the key.

        Requests: one where it is not known yet, of `GET /api/v3/account`, with a weight of 20. Where the
        exchange tells no `uid`, one more, of `GET /fapi/v3/balance`, with a weight of 5.

        Raises:
            NoKeyError: None of the Link's keys may serve it. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly.
            ContractError: The exchange tells no id.

        Source:
            https://developers.binance.com/en/docs/catalog/core-trading-spot-trading/api/rest-api/account#account-information
        """
        with interrupts_explained():
            return self._connection.accounts.fetch(self._connection.sender)

    def clock_offset(self, host: Host = "api") -> float | None:
        """Seconds by which the clock of a host is ahead of this machine's; None until first measured.

        Args:
            host: "api", "fapi" or "papi".

        Raises:
            UsageError: There is no such host.
        """
        if host not in self._connection.host_clocks:
            raise UsageError(
                f"There is no host {host!r}. The hosts are {', '.join(BASE_URLS)}."
                f"{did_you_mean(host, BASE_URLS)}"
            )
        return self._connection.host_clocks[host].offset

    def usage(self) -> pd.DataFrame:
        """Use of the rate limits, one row for each counter and process; nothing is sent.

        The rows describe the current windows: one row for each process of this machine that used a counter,
        one called "others" for programs that do not share the budget, and one for each count the exchange
        reports that the toolkit does not charge, such as orders. Rate limits come in the order of
        `toolkit.list_endpoints()`, with this process first.

        The `used` of a counter's rows add up to its `total`, apart from requests without a response yet,
        which the exchange may or may not have counted. `total`, `limit` and `used_fraction` belong to the
        counter and are the same in each of its rows: do not add them up.

        Returns:
            A DataFrame with the columns

            - rate_limit (text): Name of the rate limit: api, sapi-ip, sapi-uid, fapi, papi, fapi-funding or
              futures-data.
            - endpoint (text): The endpoint that has the counter to itself; missing if endpoints share it.
            - counts (text): What is counted: weight, requests (one each, whatever their weight) or orders.
              Where it is requests, read "weight" below as their number.
            - window (time): Start of the current window, by the exchange's clock.
            - seconds (integer): Length of the window.
            - process (text): The notebook or script, or "others"; missing for counts that are not split.
            - pid (integer): Process id; missing for others.
            - here (flag): Whether it is this process.
            - used (integer): Weight of its requests that got a response (for others: at least).
            - in_flight (integer): Weight of its requests without a response yet; missing for others.
            - total (integer): Weight used by everyone at this address (or account), as the exchange counts.
            - limit (integer): Weight allowed in a window; missing if the exchange did not report it.
            - used_fraction (number): `total` and all weight in flight, as a fraction of `limit`.
            - resets_at (time): When the window ends, by the exchange's clock.

            `attrs` have the time of the snapshot, and in "local_only_reason" why this process does not share
            its budget with the other processes of this machine ("" if it does, or was told not to).
        """
        return usage(self.budget.snapshot(), self._connection.source)

    def doctor(self) -> Diagnosis:
        """Check hosts, clocks, keys, rate limits, journal and versions.

        It measures the round trip to each host and the offset of this machine's clock; it asks the exchange
        what each key may do, and from which addresses; it reports a ban of this address, the fullest
        counter, the state of the rate-limit file and the journal, and the settings in force. A problem is a
        row of the diagnosis, never an exception. Nothing secret is in it.

        Requests: one for the time of each host (two if the first takes over a second), and one
        `GET /sapi/v1/account/apiRestrictions` for each key that may serve USER_DATA. Weight: 1 of a rate
        limit of each host, and 1 of sapi-ip for each key. Requests are not repeated, except once if the
        exchange rejects the timestamp (-1021). Nothing is sent while this address is banned or was asked to
        wait. If the current minute is used up, it waits for the next.

        Returns:
            A `Diagnosis`, which a cell shows as a table. `.frame` has one row for each check, `.status` is
            the worst status of all, and it is true if no check failed.

        Source:
            https://developers.binance.com/en/docs/catalog/core-trading-wallet/api/rest-api/account#get-api-key-permission
        """
        from toolkit.doctor import run_checks

        return run_checks(self._connection)

    def close(self) -> None:
        """Close all connections. The Link can still be used; it then opens new ones."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
