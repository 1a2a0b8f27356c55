"""Flow files that are at work in many ways when a signal comes."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Project

#: Ctrl-C must be answered by then.
PROMPT_S = 2.0


HEAD = """\
import asyncio, os, sys, time, threading
from flowctl import flow, task, get_run_logger, ProcessPoolTaskRunner, ThreadPoolTaskRunner

def hook(word):
    def noted(flow, run, state):
        print(f"{word} {state.type.value}", flush=True)
    return noted

hooks = dict(on_cancellation=[hook("cancelled")], on_crashed=[hook("crashed")], on_failure=[hook("failed")],
             on_completion=[hook("completed")])

def ready():
    print("ready", flush=True)
"""


TAIL = """
if __name__ == "__main__":
    main()
"""


BODIES = {
    "a sleep in the flow": """
@flow(**hooks)
def main():
    ready()
    time.sleep(60)
""",
    "a sleep in a task": """
@task(retries=3)
def sleeps():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    sleeps()
""",
    "a busy loop": """
@task
def spins():
    ready()
    while True:
        pass

@flow(**hooks)
def main():
    spins()
""",
    "waiting for a future": """
@task
def sleeps():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    sleeps.submit().result()
""",
    "the delay before a retry": """
@task(retries=3, retry_delay_seconds=60)
def fails():
    raise ValueError("again")

@fails.on_running
def told(task, run, state):
    threading.Timer(0.3, ready).start()

@flow(**hooks)
def main():
    fails()
""",
    "the delay before a retry of the flow": """
@flow(retries=3, retry_delay_seconds=60, **hooks)
def main():
    threading.Timer(0.3, ready).start()
    raise ValueError("again")
""",
    "an asynchronous flow": """
@flow(**hooks)
async def flow_():
    ready()
    await asyncio.sleep(60)

def main():
    asyncio.run(flow_())
""",
    "an asynchronous flow that blocks its loop": """
@flow(**hooks)
async def flow_():
    ready()
    time.sleep(60)

def main():
    asyncio.run(flow_())
""",
    "300 mapped tasks": """
@task
def sleeps(x):
    if x == 0:
        ready()
    time.sleep(60)

@flow(task_runner=ThreadPoolTaskRunner(max_workers=8), **hooks)
def main():
    sleeps.map(range(300)).result()
""",
    "waiting for forgotten tasks at its end": """
@task
def sleeps(x):
    if x == 0:
        ready()
    time.sleep(60)

@flow(task_runner=ThreadPoolTaskRunner(max_workers=8), **hooks)
def main():
    sleeps.map(range(30))
""",
    "a subflow": """
@flow
def inner():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    inner()
""",
    "a task with a timeout": """
@task(timeout_seconds=50)
def sleeps():
    ready()
    time.sleep(60)

@flow(timeout_seconds=55, **hooks)
def main():
    sleeps()
""",
    "as_completed": """
from flowctl import as_completed

@task
def sleeps():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    for _ in as_completed([sleeps.submit()]):
        pass
""",
    "tasks in processes": """
@task
def sleeps(x):
    ready()
    time.sleep(60)

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1), **hooks)
def main():
    sleeps.submit(1).result()
""",
}


def written(project: Project, body: str) -> Path:
    return project.write("script.py", HEAD + body + TAIL)
