"""Take a census of the Python standard library: parse every module, count what is in it, draw the result.

    flowctl run demo_flows/census.py:census
    flowctl run demo_flows/census.py:census -p root=src -p output=report     # your own code instead

Writes `modules.csv` and `census.svg` into the folder `census`. Needs nothing but flowctl itself.
Parsing keeps a processor busy, so the tasks run in processes; files that do not parse are listed, not fatal.
"""

import ast
import csv
import os
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TypedDict
from xml.sax.saxutils import escape

from flowctl import ProcessPoolTaskRunner, flow, get_run_logger, task

BATCH = 50
LEFT_OUT = {"site-packages", "__pycache__", ".git", ".venv"}


class Module(TypedDict):
    """What is counted in one module."""

    package: str
    path: str
    lines: int
    functions: int
    classes: int
    documented: int
    longest: str
    longest_lines: int
    imports: list[str]


class Batch(TypedDict):
    """What one task finds: the modules, and the files that are not Python after all, with the reason."""

    modules: list[Module]
    unreadable: list[str]


@task
def find_modules(root: Path, limit: int | None) -> dict[str, list[str]]:
    """Group the files by top-level package, and big packages into batches."""
    files: list[str] = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(set(subfolders) - LEFT_OUT)
        files += [str(Path(folder, name).relative_to(root)) for name in names if name.endswith(".py")]
    batches: dict[str, list[str]] = {}
    for package, members in groupby(sorted(files, key=lambda path: (package_of(path), path))[:limit], key=package_of):
        paths = list(members)
        for start in range(0, len(paths), BATCH):
            name = f"{package} {start // BATCH + 1}" if len(paths) > BATCH else package
            batches[name] = paths[start : start + BATCH]
    return batches


@task(task_run_name="parse {package}")
def parse(package: str, paths: list[str], root: Path) -> Batch:
    """Parse the files of a batch; note those that cannot be."""
    batch = Batch(modules=[], unreadable=[])
    for path in paths:
        try:
            batch["modules"].append(count(path, (root / path).read_bytes()))
        except SyntaxError as error:
            batch["unreadable"].append(f"{path}, line {error.lineno}: {error.msg}")
        except (ValueError, OSError, RecursionError) as error:
            batch["unreadable"].append(f"{path}: {error}")
    return batch


@task
def write_table(modules: list[Module], output: Path) -> Path:
    """Write one line per module."""
    output.mkdir(parents=True, exist_ok=True)
    table = output / "modules.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(Module.__annotations__))
        writer.writeheader()
        writer.writerows({**module, "imports": " ".join(module["imports"])} for module in modules)
    return table


@task
def draw_chart(modules: list[Module], title: str, output: Path) -> Path:
    """Draw the largest packages and the most imported modules."""
    output.mkdir(parents=True, exist_ok=True)
    lines: Counter[str] = Counter()
    documented: Counter[str] = Counter()
    definitions: Counter[str] = Counter()
    for module in modules:
        lines[module["package"]] += module["lines"]
        documented[module["package"]] += module["documented"]
        definitions[module["package"]] += module["functions"] + module["classes"] + 1
    shares = {package: f"{documented[package] / definitions[package]:.0%} documented" for package in lines}
    figures = {
        "modules": len(modules),
        "lines": lines.total(),
        "functions": sum(module["functions"] for module in modules),
        "classes": sum(module["classes"] for module in modules),
    }
    chart = output / "census.svg"
    chart.write_text(svg(title, figures, lines.most_common(12), shares, importers(modules)[:12]), encoding="utf-8")
    return chart


@flow(task_runner=ProcessPoolTaskRunner())
def census(root: Path | None = None, limit: int | None = None, output: Path = Path("census")) -> dict[str, int | str]:
    """Count the standard library of this interpreter, or the Python files under `root`; `limit` takes the first few."""
    logger = get_run_logger()
    root = root or Path(sysconfig.get_path("stdlib"))
    batches = find_modules(root, limit)
    parsed: list[Batch] = parse.map(list(batches), list(batches.values()), root=root).result()
    modules = [module for batch in parsed for module in batch["modules"]]
    unreadable = [entry for batch in parsed for entry in batch["unreadable"]]
    if not modules:
        raise ValueError(f"There is no Python module under {root}.")
    if unreadable:
        named = ", ".join(entry.partition(",")[0] for entry in unreadable[:3])
        logger.warning("not parsed: %s%s", named, f" and {len(unreadable) - 3} more" if len(unreadable) > 3 else "")

    table = write_table(modules, output)
    chart = draw_chart(modules, f"Census of {shortened(str(root), 56)}", output)

    longest = max(modules, key=lambda module: module["longest_lines"])
    total_lines = sum(module["lines"] for module in modules)
    logger.info("%s modules, %s lines, %s files that do not parse", len(modules), total_lines, len(unreadable))
    logger.info("longest function: %s in %s, %s lines", longest["longest"], longest["path"], longest["longest_lines"])
    logger.info("most imported: %s", ", ".join(f"{name} ({times})" for name, times in importers(modules)[:5]))
    logger.info("written: %s and %s", table, chart)
    return {"modules": len(modules), "lines": total_lines, "unreadable": len(unreadable), "chart": str(chart)}


def package_of(path: str) -> str:
    """Name the top-level package of a file; modules that stand alone go together."""
    first, *rest = Path(path).parts
    return first if rest else "(single modules)"


def shortened(words: str, length: int) -> str:
    """Keep the end of a long path."""
    return words if len(words) <= length else f"…{words[-length:]}"


def count(path: str, source: bytes) -> Module:
    """Count the definitions, docstrings and imports of one module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old files hold invalid escapes, which is their own affair
        tree = ast.parse(source)
    module = Module(
        package=package_of(path),
        path=path,
        lines=source.count(b"\n"),
        functions=0,
        classes=0,
        documented=int(ast.get_docstring(tree, clean=False) is not None),
        longest="",
        longest_lines=0,
        imports=[],
    )
    imports: set[str] = set()
    for node in statements(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module.partition(".")[0])
        elif isinstance(node, ast.ClassDef):
            module["classes"] += 1
            module["documented"] += ast.get_docstring(node, clean=False) is not None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            module["functions"] += 1
            module["documented"] += ast.get_docstring(node, clean=False) is not None
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > module["longest_lines"]:
                module["longest"], module["longest_lines"] = node.name, lines
    module["imports"] = sorted(imports)
    return module


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk the statements only: definitions and imports are never inside an expression."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inside = getattr(node, field, None)
            if isinstance(inside, list):
                waiting += inside


def importers(modules: list[Module]) -> list[tuple[str, int]]:
    """Count how many modules import each top-level module, the most imported first."""
    return Counter(name for module in modules for name in module["imports"]).most_common()


def svg(
    title: str,
    figures: dict[str, int],
    packages: list[tuple[str, int]],
    shares: dict[str, str],
    imported: list[tuple[str, int]],
) -> str:
    """Draw a page of 960 × 620: the figures on top, two lists of bars below."""
    parts = [text(40, 52, title, size=22, weight=700)]
    for place, (word, number) in enumerate(figures.items()):
        parts.append(text(40 + place * 225, 112, f"{number:,}", size=34, weight=700, colour="#4f46e5"))
        parts.append(text(40 + place * 225, 134, word, colour="#64748b"))
    parts.append(text(40, 186, "Largest packages, by lines", size=15, weight=700))
    parts += bars(40, packages, "#4f46e5", {name: shares[name] for name, _ in packages})
    parts.append(text(540, 186, "Most imported, by number of modules", size=15, weight=700))
    parts += bars(540, imported, "#0d9488", {})
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 620" font-family="system-ui, sans-serif">'
        '<rect width="960" height="620" rx="16" fill="#f8fafc"/>' + "".join(parts) + "</svg>\n"
    )


def bars(left: int, rows: list[tuple[str, int]], colour: str, remarks: dict[str, str]) -> Iterator[str]:
    """Draw a list of bars, the longest 250 wide, each with its number and a remark."""
    longest = max((number for _, number in rows), default=1) or 1
    for place, (name, number) in enumerate(rows):
        top = 204 + place * 33
        width = max(3, round(250 * number / longest))
        parts = f"{number:,}" + (f" · {remarks[name]}" if name in remarks else "")
        yield text(left, top + 16, name[:17], size=13)
        yield f'<rect x="{left + 125}" y="{top}" width="{width}" height="9" rx="4" fill="{colour}"/>'
        yield text(left + 125, top + 23, parts, size=11, colour="#64748b")


def text(left: int, base: int, words: str, *, size: int = 13, weight: int = 400, colour: str = "#0f172a") -> str:
    """Place a line of text."""
    return (
        f'<text x="{left}" y="{base}" font-size="{size}" font-weight="{weight}" fill="{colour}">{escape(words)}</text>'
    )


if __name__ == "__main__":
    census()
