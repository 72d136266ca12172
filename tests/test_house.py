"""The shape of the project: packages, import direction, doctests, documentation."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from chainatlas.analysis import landing, priority, targets
from chainatlas.api.cli import main
from chainatlas.graph.rules import THRESHOLDS
from chainatlas.graph.schema import EDGES, NODES, PACK_TABLES, PROVENANCE, TABLES
from chainatlas.ingest.quarantine import REASONS

ROOT = Path(__file__).parent.parent
FOLDERS = ("analysis", "api", "graph", "ingest", "viz")
#: What each folder may import besides itself.
ALLOWED = {
    "graph": set(),
    "ingest": {"graph"},
    "analysis": {"graph"},
    "viz": {"analysis", "graph"},
    "api": {"viz", "analysis", "ingest", "graph"},
}
MODULES = sorted(
    ".".join(("chainatlas", *path.relative_to(ROOT).with_suffix("").parts))
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "__init__.py"
)


def project() -> dict[str, object]:
    document: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return document


def test_packages_are_the_folders() -> None:
    found = {
        "chainatlas" + "".join(f".{part}" for part in path.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    setuptools = project()["tool"]["setuptools"]  # type: ignore[index]
    assert set(setuptools["packages"]) == {"chainatlas", *found}


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_one_way(folder: str) -> None:
    wrong = []
    for path in (ROOT / folder).rglob("*.py"):
        depth = len(path.relative_to(ROOT).parts) - 1
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == depth + 1:
                above = {(node.module or "").split(".")[0]} if node.module else set()
                wrong += [(path.name, name) for name in above - ALLOWED[folder] - {"", folder}]
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chainatlas"):
                wrong.append((path.name, "absolute import"))
    assert not wrong


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0


def test_every_folder_introduces_itself() -> None:
    for folder in FOLDERS:
        text = importlib.import_module(f"chainatlas.{folder}").__doc__ or ""
        assert "Start here" in text
        for module in re.findall(r":mod:`\.(\w+)`", text):
            path = ROOT / folder / module
            assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), module


def test_schema_refers_only_to_what_it_declares() -> None:
    for edge in EDGES:
        assert edge.source_node in NODES
        assert edge.target_node in NODES
        TABLES[edge.table].column(edge.source)
        TABLES[edge.table].column(edge.target)
    order = list(TABLES)
    for table in TABLES.values():
        for column in table.columns:
            if column.ref:
                assert order.index(column.ref) < order.index(table.name)


def test_pack_page_names_every_table_column_code_and_reason() -> None:
    page = (ROOT / "docs" / "pack.md").read_text("utf-8")
    for name in PACK_TABLES:
        row = next(line for line in page.splitlines() if line.startswith(f"| {name}.csv |"))
        named = re.findall(r"`(\w+)`(\*?)(!?)", row)
        declared = [
            (c.name, "*" if c.key else "", "!" if c.required else "") for c in TABLES[name].own
        ]
        assert named == declared
        for column in TABLES[name].own:
            for code in column.choices or ():
                assert code in row
    for column in PROVENANCE:
        assert f"`{column.name}`" in page
    assert set(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.M)) != set()
    for reason in REASONS:
        assert f"`{reason}`" in page


def test_measures_page_states_the_rules_in_force() -> None:
    page = (ROOT / "docs" / "measures.md").read_text("utf-8")
    for name in THRESHOLDS:
        assert f"`{name}`" in page
    for weights in (priority.WEIGHTS, targets.WEIGHTS, landing.WEIGHTS):
        assert abs(sum(weights.values()) - 1) < 1e-12
        for name, weight in weights.items():
            assert re.search(rf"\| `{name}` \| {weight:.2f} \|", page), name


def help_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*arguments, "--help"]) == 0
    return capsys.readouterr().out


def test_commands_page_names_every_command_and_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    names = re.findall(r"^│ ([a-z][a-z-]+)  ", help_of([], capsys), re.M)
    assert {"run", "ingest", "gaps", "targets", "supply-rate", "map"} <= set(names)
    for name in names:
        assert re.search(rf"`{name}[ `]", page), name
        for option in set(re.findall(r"--[a-z]+[a-z-]*", help_of([name], capsys))):
            assert option in page or option in ("--help", "--no-force"), (name, option)


def test_every_json_schema_is_listed_and_valid() -> None:
    page = (ROOT / "docs" / "json.md").read_text("utf-8")
    files = sorted((ROOT / "docs" / "schemas").glob("*.json"))
    assert files
    for path in files:
        document = json.loads(path.read_text("utf-8"))
        assert f"schemas/{path.name}" in page
        name = path.name.removesuffix(".schema.json")
        assert document["properties"]["schema"]["const"] == f"chainatlas.{name}/1"


def test_documentation_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def test_readme_gives_both_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert (
        'python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[dev]" '
        "&& .venv/bin/chainatlas run"
    ) in text
    assert ".venv/bin/python -m pytest" in text
    assert ".venv/bin/python -m pytest" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_requirement_is_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text("utf-8")
    metadata = project()["project"]
    assert isinstance(metadata, dict)
    wanted = [*metadata["dependencies"], *metadata["optional-dependencies"]["dev"]]
    for requirement in wanted:
        name = re.split(r"[<>=;\[ ]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==", pins, re.M | re.I), name


def test_wheel_ships_data_and_pages_but_no_tests(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            str(ROOT),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "chainatlas/py.typed",
        "chainatlas/data/hubei/products.csv",
        "chainatlas/data/hubei/pack.toml",
        "chainatlas/data/regions/extra.csv",
        "chainatlas/viz/assets/page.css",
        "chainatlas/viz/templates/base.html",
    ):
        assert wanted in names
    assert not [n for n in names if "/tests/" in n or n.startswith("tests/") or "/.venv/" in n]
