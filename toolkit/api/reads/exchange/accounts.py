"""The methods of `link.exchange`: the partner, its sub-accounts and their keys."""

from __future__ import annotations

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints.exchange_link import accounts
from toolkit.frames.builder import Numbers
from toolkit.redaction import Emails


class AccountReads(ReadResource):
    """The partner, its sub-accounts and their keys."""

    def partner(self, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """The partner's commission limits and number of sub-accounts, as one row.

        GET /sapi/v1/broker/info: weight 1, rate limit sapi-ip (12,000 a minute for each IP address, for
        this endpoint alone).

        Args:
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - max_maker_commission (amount): Highest maker commission the partner may set, as a fraction:
                0.002 is 0.2 %.
            - min_maker_commission (amount): Lowest maker commission, as a fraction.
            - max_taker_commission (amount): Highest taker commission, as a fraction.
            - min_taker_commission (amount): Lowest taker commission, as a fraction.
            - sub_account_qty (integer): Number of sub-accounts.
            - max_sub_account_qty (integer): Maximum number of sub-accounts.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Link-Account-Information
        """
        return self._fetch(accounts.PARTNER, {}, numbers=numbers)

    def sub_accounts(
        self,
        *,
        sub_account_id: str | int | None = None,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
    ) -> pd.DataFrame:
        """The partner's sub-accounts, one row each.

        GET /sapi/v1/broker/subAccount: weight 1, rate limit sapi-ip (12,000 a minute for each IP address,
        for this endpoint alone).

        All pages are fetched, 500 rows a request, until a page is empty.

        Args:
            sub_account_id: Only this sub-account; all if not given.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.
            emails: E-mail addresses "masked" or "clear"; defaults to the setting of the Link. Different
                addresses can have the same mask: identify and join rows by `sub_account_id`.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - email (email): E-mail address (personal data).
            - tag (text): Tag it was created with.
            - maker_commission (amount): Spot maker commission, as a fraction: 0.001 is 0.1 %.
            - taker_commission (amount): Spot taker commission, as a fraction.
            - margin_maker_commission (amount): Margin maker commission; -1 means margin is off. The unit
                is not documented.
            - margin_taker_commission (amount): Margin taker commission; -1 means margin is off. The unit
                is not documented.
            - create_time (time): When it was created, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Query-Sub-Account
        """
        return self._fetch(
            accounts.SUB_ACCOUNTS, {"sub_account_id": sub_account_id}, numbers=numbers, emails=emails
        )

    def api_keys(
        self, sub_account_id: str | int, *, api_key: str | int | None = None, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """The API keys of one sub-account and what each may do, one row a key.

        GET /sapi/v1/broker/subAccountApi: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        All pages are fetched, 500 rows a request, until a page is empty. The key of the request needs the
        "trade" permission.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: Only this API key; all keys of the sub-account if not given.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The API key, masked.
            - can_trade (flag): May trade spot.
            - margin_trade (flag): May trade on margin.
            - futures_trade (flag): May trade futures.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Query-Sub-Account-Api-Key
        """
        return self._fetch(
            accounts.API_KEYS, {"sub_account_id": sub_account_id, "api_key": api_key}, numbers=numbers
        )

    def ip_restriction(
        self, sub_account_id: str | int, api_key: str | int, *, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """The IP addresses one API key of a sub-account may be used from, as one row.

        GET /sapi/v1/broker/subAccountApi/ipRestriction: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - ip_restrict (flag): Only listed IP addresses may use the key.
            - api_key (id): The API key, masked.
            - ip_list (texts): IP addresses that may use the key.
            - update_time (time): Last change, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Get-IPRestriction-for-Sub-Account-Api-Key
        """
        return self._fetch(
            accounts.IP_RESTRICTION, {"sub_account_id": sub_account_id, "api_key": api_key}, numbers=numbers
        )

    def bnb_burn(self, sub_account_id: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """Whether a sub-account pays fees and interest in BNB, as one row.

        GET /sapi/v1/broker/subAccount/bnbBurn/status: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        Args:
            sub_account_id: Id of the sub-account.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - spot_bnb_burn (flag): Pays spot fees in BNB.
            - interest_bnb_burn (flag): Pays margin interest in BNB.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Get-BNB-Burn-Status-for-Sub-Account
        """
        return self._fetch(accounts.BNB_BURN, {"sub_account_id": sub_account_id}, numbers=numbers)
