"""An application on loopback, on a thread and a loop of its own, for browsers and other clients."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import uvicorn

Made = TypeVar("Made")

START_SECONDS_MAX = 20.0


@dataclass
class Served(Generic[Made]):
    """What is served, and where."""

    port: int
    made: Made
    loop: asyncio.AbstractEventLoop
    """The one it lives in."""

    @property
    def url(self) -> str:
        """How a browser calls it."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def on_loopback(
    opened: Callable[[], AbstractAsyncContextManager[Made]],
    app_of: Callable[[Made], Any] = lambda made: made.app,  # type: ignore[attr-defined]
    **more: Any,
) -> Iterator[Served[Made]]:
    """Serve what is opened, until the end of the block; `more` goes to uvicorn."""
    listening = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    served: list[Served[Made]] = []
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with opened() as made:
            config = uvicorn.Config(
                app_of(made), lifespan="off", log_level="warning", access_log=False, **more
            )
            servers.append(uvicorn.Server(config))
            port = listening.getsockname()[1]
            served.append(Served(port, made, asyncio.get_running_loop()))
            ready.set()
            await servers[0].serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(START_SECONDS_MAX)
    try:
        yield served[0]
    finally:
        servers[0].should_exit = True
        thread.join(START_SECONDS_MAX)
