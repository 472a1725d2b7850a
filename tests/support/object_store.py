"""A real S3 server on loopback (moto's), that can be told to fail, to dawdle or to lose the end of an answer."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "history"
Fault = Callable[[str, str], str | None]


@dataclass
class ObjectStore:
    """The server's address, and the fault it answers a (method, path) with: `fail`, `slow`, `cut` or none."""

    url: str = ""
    fault: Fault = lambda _method, _path: None

    @property
    def options(self) -> dict[str, Any]:
        """STORAGE_OPTIONS to reach it."""
        return {
            "key": "a-key",
            "secret": "a-secret",
            "endpoint_url": self.url,
            "client_kwargs": {"region_name": "us-east-1"},
        }

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
        )


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """The server for the block, with one bucket."""
    store = ObjectStore()
    moto = DomainDispatcherApplication(create_backend_app)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fault = store.fault(method, path)
        if fault == "fail":
            start_response("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        if fault == "slow":
            time.sleep(2)
        answer: Iterable[bytes] = moto(environ, start_response)
        if fault == "cut":
            whole = b"".join(answer)
            return [whole[: len(whole) // 2]]
        return answer

    server = make_server("127.0.0.1", 0, app, threaded=True)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        store.client.create_bucket(Bucket=BUCKET)
        yield store
    finally:
        server.shutdown()
        thread.join(timeout=60)
