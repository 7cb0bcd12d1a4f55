"""The heart of the official modular SDK: the signed request that all of its packages send."""

import time
from typing import Any

import requests
from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_common.signature import Signers
from binance_common.utils import send_request
from speaking import Ask, Speaker, speak


def connect(address: str, key: str, secret: str, behind_ms: int) -> Speaker:
    private = secret if "PRIVATE KEY" in secret else None
    # With both, it would sign with the secret.
    secrets = {"private_key": private} if private else {"api_secret": secret}
    configuration = ConfigurationRestAPI(api_key=key, base_path=address, timeout=10_000, **secrets)
    signer = Signers.get_signer(private) if private else None
    session = requests.Session()

    def find(method: str, path: str) -> Ask:
        def ask(params: dict[str, str]) -> Any:
            stamp = {"timestamp": int(time.time() * 1000) - behind_ms} if behind_ms else {}
            sent = {**params, **stamp}
            return send_request(
                session, configuration, method, path, sent, is_signed=True, signer=signer
            ).data()

        return ask

    return Speaker(find, code)


def code(error: Exception) -> int | None:
    """What these call `status_code` is the exchange's code."""
    return error.status_code if isinstance(error, BadRequestError | UnauthorizedError) else None


speak(connect)
