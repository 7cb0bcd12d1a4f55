"""The older official connectors, for spot and for futures: their signed request to any path."""

import time

import binance.api
from binance.api import API
from binance.error import ClientError
from speaking import Ask, Speaker, speak


def connect(address: str, key: str, secret: str, behind_ms: int) -> Speaker:
    secrets = {"private_key": secret} if "PRIVATE KEY" in secret else {}
    api = API(key, secret, base_url=address, **secrets)

    def find(method: str, path: str) -> Ask:
        def ask(params: dict[str, str]) -> object:
            # They have no setting for the clock.
            binance.api.get_timestamp = lambda: int(time.time() * 1000) - behind_ms
            return api.sign_request(method, path, dict(params))

        return ask

    return Speaker(find, code)


def code(error: Exception) -> int | None:
    return error.error_code if isinstance(error, ClientError) else None


speak(connect)
