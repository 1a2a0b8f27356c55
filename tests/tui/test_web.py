"""`flowctl tui --web`, asked by real requests: only who has the token gets anything, and only from this machine."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from flowctl.store.home import Home
from tests.conftest import Command, Project
from tests.tui.screens.sample import three_runs
from tests.tui.screens.terminal import Screen

#: Of the extra `web`, which the tests ask for; who has not installed them anew yet is not held up.
aiohttp: Any = pytest.importorskip("aiohttp")
_PATIENCE_S = 40


@pytest.fixture
def served(home: Home) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The interface, served, and its address."""
    with (
        three_runs(home),
        subprocess.Popen(
            [sys.executable, "-m", "flowctl", "tui", "--web", "--no-daemon"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def status(address: str, **headers: str) -> int:
    return fetched(address, **headers)[0]


def fetched(address: str, **headers: str) -> tuple[int, str, str]:
    """Ask for a page; return its status, its text, and where it was found in the end."""

    async def ask() -> tuple[int, str, str]:
        async with aiohttp.ClientSession(headers=headers) as session, session.get(address) as response:
            return int(response.status), await response.text(), str(response.url)

    return asyncio.run(ask())


async def seen(address: str, text: str, *keys: str) -> str:
    """Look through the socket of the page as the page does, and press keys, until a text is on the screen."""
    screen, left = Screen(80, 24), list(keys)
    async with (
        asyncio.timeout(_PATIENCE_S),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address.replace('http', 'ws', 1)}ws?width=80&height=24") as socket,
    ):
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                screen.feed(message.data.decode("utf-8", "replace"))
            if "neat-cat" in screen.text() and left:
                await socket.send_str(json.dumps(["focus", None]))
                for key in left:
                    await socket.send_str(json.dumps(["stdin", key]))
                left.clear()
            if text in screen.text():
                break
    return screen.text()


def test_without_the_token_there_is_nothing(served: tuple[subprocess.Popen[str], str]) -> None:
    _, address = served
    parts = urlsplit(address)
    machine, token = f"{parts.scheme}://{parts.netloc}", parts.path.strip("/")

    assert parts.hostname == "127.0.0.1"
    assert len(token) >= 40
    assert status(address) == 200
    assert status(f"{address}static/js/textual.js") == 200
    for path in ("", "ws", "static/js/textual.js", "download/x", f"{token[:-1]}/", f"x/{token}/", f"?token={token}"):
        assert status(f"{machine}/{path}") == 403, path
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        asyncio.run(seen(f"{machine}/", "neat-cat"))


def test_a_page_from_elsewhere_gets_nothing_even_with_the_token(served: tuple[subprocess.Popen[str], str]) -> None:
    _, address = served
    port = urlsplit(address).port

    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost:1"):
        assert status(address, Host=host) == 200, host
    for host in (f"evil.example:{port}", "127.0.0.1.evil.example", "[::1"):
        assert status(address, Host=host) == 403, host
    assert status(f"{address}ws", Origin="http://evil.example") == 403
    assert status(f"{address}ws", Origin="null") == 403


def test_the_page_needs_nothing_from_the_net_and_no_slash_at_the_end(
    served: tuple[subprocess.Popen[str], str],
) -> None:
    _, address = served

    code, text, found = fetched(address.rstrip("/"))

    assert (code, found) == (200, address)
    assert "<title>flowctl</title>" in text
    assert "//" not in re.sub("// [A-Z]", "", text)
    # What the page runs is by textual-serve: these are the names that it goes by.
    script = fetched(f"{address}static/js/textual.js")[1]
    assert all(name in script for name in ("sessionWebsocketUrl", "textual-terminal", "-loaded", "-closed", "#start"))


def test_what_is_served_ends_with_the_page(served: tuple[subprocess.Popen[str], str]) -> None:
    process, address = served

    async def look() -> list[int]:
        async with (
            asyncio.timeout(_PATIENCE_S),
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{address.replace('http', 'ws', 1)}ws") as first,
            session.ws_connect(f"{address.replace('http', 'ws', 1)}ws") as second,
        ):
            await first.receive()
            await second.receive()
            return children(process.pid)

    assert len(asyncio.run(look())) == 2
    until(lambda: not children(process.pid))


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_page_shows_the_runs_takes_keys_and_ends_with_the_command(
    served: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = served

    text = asyncio.run(seen(address, "report_pdf › bold-ant", "j", "\r"))
    assert "neat-cat" not in text

    process.send_signal(signal.SIGINT)
    assert process.wait(_PATIENCE_S) == 0
    assert status_is_refused(address)
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()


def status_is_refused(address: str) -> bool:
    try:
        status(address)
    except aiohttp.ClientConnectorError:
        return True
    return False


def test_a_port_that_is_taken_is_named(served: tuple[subprocess.Popen[str], str], flowctl_command: Command) -> None:
    _, address = served
    port = urlsplit(address).port

    outcome = flowctl_command("tui", "--web", "--port", str(port))

    assert outcome.returncode == 2
    assert str(port) in outcome.stderr


def test_where_it_is_not_installed_the_error_says_how_to(flowctl_command: Command, project: Project) -> None:
    project.write("sitecustomize.py", "import sys; sys.modules['textual_serve'] = None\n")

    outcome = flowctl_command("tui", "--web", PYTHONPATH=str(project.path))

    assert outcome.returncode == 2
    assert "pip install 'flowctl-local[web]'" in outcome.stderr
