"""The interface in a browser of this machine: on loopback alone, and only for who has the address with its token."""

from __future__ import annotations

import hmac
import os
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError

_HOST: Final = "127.0.0.1"
_TOKEN_BYTES: Final = 32
#: Pages that are open are told to end; they are not waited for longer.
_PATIENCE_S: Final = 1.0
#: Names under which a browser of this machine, or one at the other end of a tunnel, asks for it. A page from elsewhere
#: whose name was made to mean this machine asks by that name.
_NEAR: Final = frozenset({"127.0.0.1", "localhost", "::1"})
#: The address is the key: no other page is told where one came from, nothing keeps a copy, nothing comes from the net.
_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws:; frame-ancestors 'none'"
    ),
}
_WRONG_TOKEN: Final = "Open the address that `flowctl tui --web` printed, token and all.\n"
_FROM_ELSEWHERE: Final = "Only a page of this machine is answered: open the address that `flowctl tui --web` printed.\n"
_MISSING: Final = (
    "`flowctl tui --web` needs textual-serve, which is not installed. Install it with: pip install 'flowctl-local[web]'"
)


def serve(words: Sequence[str], *, port: int = 0) -> int:
    """Serve `flowctl tui` with these words until Ctrl-C; port 0 takes a free one."""
    try:
        # By name: whoever checks the types of this project need not have the extra.
        web: Any = import_module("aiohttp.web")
        serving: Any = import_module("textual_serve.server")
    except ImportError:
        raise CommandError(_MISSING, Exit.USAGE) from None
    listening = _listen(port)
    address = f"http://{_HOST}:{listening.getsockname()[1]}"
    token = secrets.token_urlsafe(_TOKEN_BYTES)

    async def on_startup(_app: object) -> None:
        sys.stdout.write(f"{address}/{token}/\nOnly who has this address sees the runs. Ctrl-C ends it.\n")
        sys.stdout.flush()

    # The page, the stylesheets and the socket all stand below the token: where it is missing, there is nothing.
    words = (sys.executable, "-m", "flowctl", "tui", *words)
    pages = serving.Server(shlex.join(words), title="flowctl", public_url=address, templates_path=Path(__file__).parent)
    pages.on_startup = on_startup
    os.environ.update(COLORTERM="truecolor", TERM="xterm-256color", PYTHONUTF8="1")

    async def application() -> object:
        outer = web.Application(middlewares=[_only_with(token, web)])
        # Textual-serve makes its routes there and nowhere else; the version is pinned for it.
        outer.add_subapp(f"/{token}", await pages._make_app())
        return outer

    web.run_app(application(), sock=listening, print=None, access_log=None, shutdown_timeout=_PATIENCE_S)
    return Exit.OK


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
        # Before the address is said: who reads it may be quicker than the server.
        listening.listen()
    except OSError as error:
        listening.close()
        raise CommandError(
            f"Cannot listen on port {port} of {_HOST}: {error.strerror}. Choose another with --port."
        ) from None
    return listening


def _only_with(token: str, web: Any) -> Callable[..., Awaitable[object]]:
    wanted = token.encode()

    async def check(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> object:
        origin = request.headers.get("Origin")
        if not _is_near(f"//{request.host}") or not (origin is None or _is_near(origin)):
            raise web.HTTPForbidden(text=_FROM_ELSEWHERE)
        given = request.path.split("/", 2)[1]
        if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted):
            raise web.HTTPForbidden(text=_WRONG_TOKEN)
        if request.path == f"/{given}":
            raise web.HTTPFound(f"/{given}/", headers=_HEADERS)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    marked: Callable[..., Awaitable[object]] = web.middleware(check)
    return marked


def _is_near(address: str) -> bool:
    try:
        return urlsplit(address).hostname in _NEAR
    except ValueError:
        return False
