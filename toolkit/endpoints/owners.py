"""Whose keys an endpoint serves: those of a Link partner, unless it is named here."""

from __future__ import annotations

from toolkit.endpoints.namespaces import NAMESPACES

CUSTOMER_ENDPOINTS = frozenset(
    {
        "spot.new_user",
        "spot.customer_id",
        "spot.kickbacks",
        "futures.new_user",
        "futures.customer_id",
        "portfolio.new_user",
        "portfolio.customer_id",
    }
)
"""Sent with a customer's key; the partner's key is accepted as well."""

CUSTOMER_ONLY_ENDPOINTS = frozenset(
    {"spot.set_own_customer_id", "futures.set_own_customer_id", "portfolio.set_own_customer_id"}
)
"""Sent with a customer's key only: the customer's own id changes."""

OWN_ENDPOINTS = frozenset(
    {"futures.income", "spot.rebate_history", "portfolio.um_income", "portfolio.cm_income"}
    | {
        each.qualified_name
        for namespace in NAMESPACES
        if namespace.system.startswith("account.")
        for each in namespace.reads
    }
)
"""Of the account that owns the key, whoever that is: every account has income and rebates of its own, as it
has what is in the namespace `account`."""
