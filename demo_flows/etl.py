"""Extract a paged HTTP API with retries, transform and check it with pandas, load it into a CSV file.

    pip install 'flowctl-local[demos]'        # or, in a checkout: pip install -e '.[demos]'
    flowctl run demo_flows/etl.py:etl
    flowctl run demo_flows/etl.py:etl -p api_base=https://dev.to/api -p pages=3

Without `api_base` the flow starts a flaky API of its own on this machine, so it works offline.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
from local_api import local_api

from flowctl import flow, get_run_logger, task, unmapped


@task(retries=3, retry_delay_seconds=[0.2, 0.5, 1], task_run_name="extract page {page}")
def extract(api_base: str, page: int, per_page: int) -> list[dict[str, Any]]:
    """Fetch one page; a 503 raises, and the retry gets it."""
    response = httpx.get(f"{api_base}/articles", params={"page": page, "per_page": per_page}, timeout=10)
    response.raise_for_status()
    rows: list[dict[str, Any]] = response.json()
    return rows


@task
def transform(pages: list[list[dict[str, Any]]]) -> pd.DataFrame:
    """Make one table with proper types."""
    table = pd.DataFrame([row for page in pages for row in page])
    table = table[[name for name in ("id", "title", "published_at", "comments_count") if name in table]]
    table["published_at"] = pd.to_datetime(table["published_at"], utc=True)
    table["comments_count"] = pd.to_numeric(table["comments_count"]).astype(int)
    return table.sort_values("published_at", kind="stable")


@task
def validate(table: pd.DataFrame) -> pd.DataFrame:
    """Drop what is unusable and say so; stop when too much is wrong."""
    good = table[table["title"].notna() & ~table["id"].duplicated()]
    dropped = len(table) - len(good)
    if dropped > len(table) * 0.1:
        raise ValueError(f"{dropped} of {len(table)} rows are unusable: the source has changed.")
    get_run_logger().info("%s rows kept, %s dropped", len(good), dropped)
    return good


@task
def load(table: pd.DataFrame, output: Path) -> Path:
    """Write the table under another name first, so that nobody ever reads half a file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_suffix(".part")
    table.to_csv(unfinished, index=False)
    return unfinished.replace(output)


@flow
def etl(
    api_base: str | None = None, pages: int = 10, per_page: int = 30, output: Path = Path("etl/articles.csv")
) -> int:
    """Load the newest articles; give the number of rows written."""
    with nullcontext(api_base) if api_base else local_api() as base:
        extracted = extract.map(unmapped(base), list(range(1, pages + 1)), per_page=per_page)
        # Futures go in as they are: each task starts when what it needs is there.
        table = validate.submit(transform.submit(extracted)).result()
    written = load(table, output)
    get_run_logger().info("%s rows written to %s", len(table), written)
    return len(table)


if __name__ == "__main__":
    etl()
