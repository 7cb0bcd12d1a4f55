"""The official modular SDK, with the request that all its packages use."""

import time
from typing import Any

import requests
from adapter import ClientAdapter, Send, main
from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_common.signature import Signers
from binance_common.utils import send_request


def connect(address: str, key: str, secret: str, behind_ms: int) -> ClientAdapter:
    private = secret if "PRIVATE KEY" in secret else None
    # With both, it would sign with the secret.
    secrets = {"private_key": private} if private else {"api_secret": secret}
    configuration = ConfigurationRestAPI(api_key=key, base_path=address, timeout=10_000, **secrets)
    signer = Signers.get_signer(private) if private else None
    session = requests.Session()

    def find(method: str, path: str, signed: bool) -> Send:
        def send(params: dict[str, str]) -> Any:
            stamp = {"timestamp": int(time.time() * 1000) - behind_ms} if behind_ms else {}
            sent = {**params, **stamp}
            return send_request(
                session, configuration, method, path, sent, is_signed=signed, signer=signer
            ).data()

        return send

    return ClientAdapter(find, code)


def code(error: Exception) -> int | None:
    """The exchange's code, which these errors call `status_code`."""
    return error.status_code if isinstance(error, BadRequestError | UnauthorizedError) else None


main(connect)
