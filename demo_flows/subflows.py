"""Build a big flow from small ones: each region is a flow of its own, and one that fails does not sink the rest.

    flowctl run demo_flows/subflows.py:subflows
    flowctl run demo_flows/subflows.py:region_report -p region=north     # a part alone

A flow called inside a flow is a run of its own, with its own state, tasks and logs, recorded under its parent.
"""

from random import Random
from statistics import mean

from flowctl import flow, get_run_logger, task

SHOPS = {"north": 4, "south": 6, "east": 3, "west": 0}


@task
def read_sales(region: str, shop: int) -> list[float]:
    """Stand in for a file or a database: the same figures each time."""
    figures = Random(f"{region} {shop}")
    return [round(figures.gauss(1000, 250), 2) for _ in range(30)]


@task
def summarise(sales: list[list[float]]) -> dict[str, float]:
    """Reduce the shops of a region to the figures that people ask for."""
    days = [day for shop in sales for day in shop]
    if not days:
        raise ValueError("no shop reported")
    return {"total": round(sum(days), 2), "mean": round(mean(days), 2), "best": max(days)}


@flow(flow_run_name="report-{region}")
def region_report(region: str) -> dict[str, float]:
    """Report on one region: useful alone, and a part of the whole."""
    sales = [read_sales.submit(region, shop) for shop in range(SHOPS[region])]
    # Futures go in as they are: the task starts when the last of them has ended.
    return summarise.submit(sales).result()


@flow
def subflows() -> dict[str, dict[str, float]]:
    """Report on every region, and go on where one has nothing to report."""
    logger = get_run_logger()
    reports: dict[str, dict[str, float]] = {}
    for region in SHOPS:
        # With return_state=True a flow gives its final state and raises nothing.
        state = region_report(region, return_state=True)
        if state.is_completed():
            reports[region] = state.result()
        else:
            logger.warning("%s is left out: %s", region, state.message)
    best = max(reports, key=lambda region: reports[region]["total"])
    logger.info("best region: %s with %s", best, reports[best]["total"])
    return reports


if __name__ == "__main__":
    subflows()
