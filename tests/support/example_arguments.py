"""Arguments with which a method returns rows of the sandbox."""

from __future__ import annotations

from operator import attrgetter

from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints import Endpoint


def example_arguments(env: SandboxEnv, endpoint: Endpoint) -> dict[str, object]:
    """The arguments that a read requires, with values that exist in the sandbox."""
    if endpoint.name == "order":  # one that was placed by the time of the exchange
        orders = attrgetter(f"{endpoint.system}.orders")(env.link)("BTCUSDT")
        return {"symbol": "BTCUSDT", "order_id": orders["order_id"].iloc[-1]}
    given: dict[str, object] = {}
    sent = env.sandbox.world.example(endpoint.qualified_name)
    for param in endpoint.params:
        if param.fixed is not None:
            continue
        if param.field in sent:
            words = {str(value): word for word, value in param.choices.items()}
            given[param.name] = words.get(sent[param.field], sent[param.field])
        elif param.is_required:
            given[param.name] = param.example
    return given
