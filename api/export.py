"""Facts back into packs: folders of CSV files that load to the same facts."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from ..graph.chain import records
from ..graph.errors import ChainAtlasError
from ..graph.rules import GROUPS, in_group
from ..graph.schema import PACK_TABLES
from ..graph.store import Facts, View


def export_packs(view: View, folder: Path) -> list[Path]:
    """Write every pack of a view to a folder of its own; existing ones are never touched.

    Returns:
        The folders.

    Raises:
        ChainAtlasError: A folder exists, or cannot be written.
    """
    written = []
    for facts in view.facts():
        target = folder / re.sub(r"[^\w.-]", "_", facts.pack)
        if target.exists():
            raise ChainAtlasError(f"{target} 已存在，不会覆盖。")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
            _write_pack(facts, aside)
            aside.chmod(0o755)
            aside.rename(target)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise ChainAtlasError(f"无法写入 {target}：{error.strerror}。") from error
        written.append(target)
    return written


def _write_pack(facts: Facts, folder: Path) -> None:
    for name in PACK_TABLES:
        frame = facts.tables[name]
        if len(frame) or name == "products":
            frame.apply(_exact).to_csv(
                folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8-sig"
            )
    head = facts.tables["packs"]
    lines = [f"name = {_toml(facts.pack)}"]
    for key in ("title", "licence", "source", "as_of"):
        value = head[key].iloc[0] if len(head) else None
        if isinstance(value, str):
            lines.append(f"{key} = {_toml(value)}")
    (folder / "pack.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if len(facts.tables["rules"]):
        (folder / "rules.toml").write_text(_rules(facts.tables["rules"]), encoding="utf-8")


def _exact(column: pd.Series) -> pd.Series:
    """Whole doubles without their fraction, so that an employee count reads like one."""
    if column.dtype != "float64":
        return column
    return pd.Series(
        [int(v) if v.is_integer() else v for v in column.tolist()], column.index, dtype=object
    )


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _rules(rows: pd.DataFrame) -> str:
    lines: list[str] = []
    for cluster, own in rows.groupby(rows["cluster"].fillna("")):
        head = f"cluster.{_toml(str(cluster))}" if cluster else ""
        plain = own[~own["name"].str.contains(".", regex=False)]
        lines += [f"[{head}]"] if head and len(plain) else []
        lines += [f"{r['name']} = {r['value']!r}" for r in records(plain)]
        for group in GROUPS:
            prefix = in_group(group, "")
            inside = own[own["name"].str.startswith(prefix)]
            lines += [f"[{head}.{group}]" if head else f"[{group}]"] if len(inside) else []
            lines += [f"{r['name'].removeprefix(prefix)} = {r['value']!r}" for r in records(inside)]
    return "\n".join(lines) + "\n"
