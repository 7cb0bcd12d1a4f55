"""The older official connectors, for spot and futures, with their requests to any path."""

import time

import binance.api
from adapter import ClientAdapter, Send, main
from binance.api import API
from binance.error import ClientError


def connect(address: str, key: str, secret: str, behind_ms: int) -> ClientAdapter:
    secrets = {"private_key": secret} if "PRIVATE KEY" in secret else {}
    api = API(key, secret, base_url=address, **secrets)

    def find(method: str, path: str, signed: bool) -> Send:
        def send(params: dict[str, str]) -> object:
            if not signed:
                return api.send_request(method, path, dict(params))
            # The connectors have no setting for the clock.
            binance.api.get_timestamp = lambda: int(time.time() * 1000) - behind_ms
            return api.sign_request(method, path, dict(params))

        return send

    return ClientAdapter(find, code)


def code(error: Exception) -> int | None:
    return error.error_code if isinstance(error, ClientError) else None


main(connect)
