"""Watch retries: growing pauses with jitter, a list of delays, and a failure that is not worth a second try.

    flowctl run demo_flows/retries.py:retries                    # about 15 seconds
    flowctl run demo_flows/retries.py:retries -p backoff=0.1     # the same, ten times faster

The three tasks wait side by side; while one waits it is `AwaitingRetry` and holds no thread.
"""

from typing import Any

from flowctl import exponential_backoff, flow, get_run_logger, runtime, task


@task(retries=4, retry_jitter_factor=0.2)
def busy_service(failures: int) -> str:
    """Fail a few times, as a service does that is just being restarted."""
    attempt = runtime.task_run.run_count
    if attempt <= failures:
        raise ConnectionError(f"attempt {attempt}: connection refused")
    return f"answered at attempt {attempt}"


@task(retries=2)
def slow_disk() -> str:
    """Fail once; with a list of delays each retry has its own, and the last one repeats."""
    if runtime.task_run.run_count == 1:
        raise OSError("disk is not mounted yet")
    return "read"


def is_worth_it(task: Any, task_run: Any, state: Any) -> bool:
    """Retry what may pass by itself; a wrong value stays wrong."""
    return not isinstance(state.result(raise_on_failure=False), ValueError)


@task(retries=10, retry_condition_fn=is_worth_it)
def wrong_password() -> str:
    """Fail for good: the condition says no, so none of the ten retries is used."""
    raise ValueError("the password is wrong")


@flow
def retries(backoff: float = 1.0, failures: int = 4) -> list[str]:
    """Run the three side by side; `backoff` scales every pause, `failures` says how often the service fails."""
    logger = get_run_logger()
    # exponential_backoff(1) waits 1, 2, 4, 8 seconds; retry_jitter_factor=0.2 varies each by a fifth.
    service = busy_service.with_options(retry_delay_seconds=exponential_backoff(backoff)).submit(failures)
    disk = slow_disk.with_options(retry_delay_seconds=[3 * backoff, 5 * backoff]).submit()
    password = wrong_password.submit()

    password.wait()
    logger.info("password: %s at once, and the flow goes on", password.state.name)
    answers = [service.result(), disk.result()]
    logger.info("service %s; disk %s", *answers)
    return answers


if __name__ == "__main__":
    retries()
