"""Fetch many pages at once with asyncio: async tasks, one HTTP client, `asyncio.gather`.

    pip install 'flowctl-local[demos]'        # or, in a checkout: pip install -e '.[demos]'
    flowctl run demo_flows/async_fetch.py:async_fetch
    flowctl run demo_flows/async_fetch.py:async_fetch -p api_base=https://dev.to/api -p pages=5

Without `api_base` the flow starts a slow and flaky API of its own on this machine, so it works offline.
"""

import asyncio
import time
from collections import Counter
from contextlib import nullcontext
from typing import Any

import httpx
from local_api import local_api

from flowctl import flow, get_run_logger, task


@task(retries=3, retry_delay_seconds=0.3, timeout_seconds=10, task_run_name="page {page}")
async def fetch(client: httpx.AsyncClient, page: int) -> list[dict[str, Any]]:
    """Fetch one page; while it waits, the others go on in the same thread."""
    response = await client.get("/articles", params={"page": page, "per_page": 20})
    response.raise_for_status()
    rows: list[dict[str, Any]] = response.json()
    return rows


@task
def count_days(pages: list[list[dict[str, Any]]]) -> dict[str, int]:
    """Count the articles by day; a plain function may be a task of an async flow."""
    return dict(Counter(row["published_at"][:10] for page in pages for row in page))


@flow
async def async_fetch(api_base: str | None = None, pages: int = 20) -> dict[str, int]:
    """Fetch all pages side by side and count what is in them."""
    with nullcontext(api_base) if api_base else local_api(latency_s=0.2) as base:
        started = time.perf_counter()
        async with httpx.AsyncClient(base_url=base, timeout=10) as client:
            fetched = await asyncio.gather(*(fetch(client, page) for page in range(1, pages + 1)))
        get_run_logger().info("%s pages in %.1f s", pages, time.perf_counter() - started)
    return count_days(fetched)


if __name__ == "__main__":
    asyncio.run(async_fetch())
