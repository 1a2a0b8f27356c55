"""A small HTTP API on this machine that is slow and fails now and then, so that the demos work offline.

    GET /articles?page=2&per_page=30   ->  a JSON list, empty behind the last page

It stands in for a real one: the first request for every third page gets 503, and each answer takes its time.
"""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ARTICLES = 600


@contextmanager
def local_api(*, latency_s: float = 0.05) -> Generator[str, None, None]:
    """Serve on a free port of the loopback interface while the block runs; give the address to call."""
    asked: set[int] = set()
    lock = threading.Lock()

    class Articles(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            page, per_page = (int(query.get(name, ["1"])[0]) for name in ("page", "per_page"))
            with lock:
                fails = page % 3 == 0 and page not in asked
                asked.add(page)
            time.sleep(latency_s)
            first = (page - 1) * per_page
            rows = [article(number) for number in range(first, min(first + per_page, ARTICLES))]
            body = b"try again" if fails else json.dumps(rows).encode()
            self.send_response(503 if fails else 200)
            self.send_header("Content-Type", "text/plain" if fails else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Stay quiet: the flow's own log says what happens."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Articles) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def article(number: int) -> dict[str, object]:
    """Make article `number`; some have faults, as real data does."""
    return {
        "id": number,
        "title": f"Article {number}" if number % 97 else None,
        "author": ("ada", "grace", "barbara", "edsger")[number % 4],
        "published_at": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T08:30:00Z",
        "comments_count": str(number * 7 % 50),
    }
