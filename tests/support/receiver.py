"""Who is told of incidents: a receiver over real HTTP."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass
class Receiver:
    """What people would have read: the messages that arrived over HTTP."""

    url: str = ""
    status: int = 200
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.status == 200:
            self.messages.append(json.loads(await Request(scope, receive).body()))
        await Response(status_code=self.status)(scope, receive, send)

    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]
