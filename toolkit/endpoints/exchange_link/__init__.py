"""Exchange Link (also Broker, Crypto-As-A-Service): the partner's sub-accounts.

Called with the key of the partner's master account. An endpoint without a documented weight has weight 1,
charged to the IP counter (the scope is not documented; IP has the smaller limit). `subAccountId` is always
text: some responses spell it `subaccountId`, some send it as a JSON number beyond 2**53.
"""

from __future__ import annotations

from toolkit.endpoints.exchange_link.account_writes import (
    CREATE_SUB_ACCOUNT,
    DELETE_SUB_ACCOUNT,
    ENABLE_FUTURES,
    SET_INTEREST_BNB_BURN,
    SET_SPOT_BNB_BURN,
)
from toolkit.endpoints.exchange_link.accounts import API_KEYS, BNB_BURN, IP_RESTRICTION, PARTNER, SUB_ACCOUNTS
from toolkit.endpoints.exchange_link.balances import FUTURES_BALANCES, MARGIN_BALANCES, SPOT_BALANCES
from toolkit.endpoints.exchange_link.fee_writes import SET_CM_COMMISSION, SET_COMMISSION, SET_UM_COMMISSION
from toolkit.endpoints.exchange_link.fees import CM_COMMISSION, FUTURES_REBATES, REBATES, UM_COMMISSION
from toolkit.endpoints.exchange_link.holdings import (
    ASSETS,
    FUTURES_ACCOUNT,
    FUTURES_SUMMARY,
    KEY_AUDIT,
    MARGIN_ACCOUNT,
    POSITIONS,
    TRANSACTION_STATISTICS,
    TRANSACTION_TOTALS,
)
from toolkit.endpoints.exchange_link.key_writes import (
    CREATE_API_KEY,
    DELETE_API_KEY,
    REMOVE_ADDRESSES,
    SET_IP_RESTRICTION,
    SET_PERMISSIONS,
    SET_UNIVERSAL_TRANSFER,
)
from toolkit.endpoints.exchange_link.transfer_writes import (
    TRANSFER,
    TRANSFER_FUTURES,
    TRANSFER_WITHIN,
    UNIVERSAL_TRANSFER,
)
from toolkit.endpoints.exchange_link.transfers import (
    DEPOSIT,
    DEPOSITS,
    FUTURES_TRANSFERS,
    TRANSFERS,
    UNIVERSAL_TRANSFERS,
)
from toolkit.endpoints.model import Endpoint
from toolkit.endpoints.writes import Write

ENDPOINTS: tuple[Endpoint, ...] = (
    PARTNER,
    SUB_ACCOUNTS,
    API_KEYS,
    IP_RESTRICTION,
    BNB_BURN,
    SPOT_BALANCES,
    MARGIN_BALANCES,
    FUTURES_BALANCES,
    TRANSFERS,
    FUTURES_TRANSFERS,
    UNIVERSAL_TRANSFERS,
    DEPOSITS,
    DEPOSIT,
    UM_COMMISSION,
    CM_COMMISSION,
    REBATES,
    FUTURES_REBATES,
    ASSETS,
    MARGIN_ACCOUNT,
    FUTURES_ACCOUNT,
    FUTURES_SUMMARY,
    POSITIONS,
    TRANSACTION_STATISTICS,
    TRANSACTION_TOTALS,
    KEY_AUDIT,
)

WRITES: tuple[Write, ...] = (
    CREATE_SUB_ACCOUNT,
    DELETE_SUB_ACCOUNT,
    ENABLE_FUTURES,
    CREATE_API_KEY,
    DELETE_API_KEY,
    SET_PERMISSIONS,
    SET_UNIVERSAL_TRANSFER,
    SET_IP_RESTRICTION,
    REMOVE_ADDRESSES,
    SET_SPOT_BNB_BURN,
    SET_INTEREST_BNB_BURN,
    TRANSFER,
    TRANSFER_FUTURES,
    UNIVERSAL_TRANSFER,
    TRANSFER_WITHIN,
    SET_COMMISSION,
    SET_UM_COMMISSION,
    SET_CM_COMMISSION,
)
