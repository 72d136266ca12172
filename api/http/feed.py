"""Gaps and targets as lists with stable ids, and what changed in them since a version.

A list is worked out for one region, one cluster and one version, and kept as JSON rows with the few
values that filters look at. Its rows are those of the commands ``gaps`` and ``targets`` with further
members: an id that stays the same over versions, where the row belongs, and what its gap is.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...analysis.gaps import ACTIONS, EVIDENCE
from ...analysis.targets import PER_GAP, Wanted, find_targets
from ...graph import regions as geo
from ...graph.chain import ChainGraph, split_list
from ...graph.errors import NotFoundError
from ...graph.schema import LABELS
from .. import answers
from . import documents
from .formats import Json, dumps, kinds
from .listing import Listing
from .service import Service

Kind = Literal["gaps", "targets"]
KINDS: tuple[Kind, ...] = ("gaps", "targets")
#: Values of a row that filters look at.
Facets = Mapping[str, Any]
Keep = Callable[[Facets], bool]

_TEXT: Json = {"type": "string"}
_ID: Json = {"type": "string", "description": "稳定编码：地区、集群、产品（和企业）相同则不变。"}
#: Members that rows carry over HTTP besides those of the command.
FIRST: Mapping[str, Json] = {
    "id": _ID,
    "region": {"type": "string", "description": "GB/T 2260 代码。"},
    "cluster": {"type": "string", "description": "集群编码。"},
}
LAST: Mapping[Kind, Mapping[str, Json]] = {
    "gaps": {},
    "targets": {
        "action": {"type": "string", "description": "缺口的首要动作。"},
        "actions": {"type": "array", "items": {"enum": list(ACTIONS)}},
        "evidence": {"enum": list(EVIDENCE)},
        "priority": {"type": "number", "description": "缺口的优先级。", "unit": "ratio"},
        "labels": {"type": "array", "items": {"enum": list(LABELS)}},
        "as_of": {"type": ["string", "null"], "description": "企业事实的日期。"},
        "source": {"type": ["string", "null"], "description": "企业事实的来源。"},
    },
}
CHANGE: Json = {"enum": ["withdrawn", "changed", "added"], "description": "自该版本以来的变化。"}


def row_schema(kind: Kind) -> Json:
    """The JSON Schema of a row."""
    row = documents.row_of(documents.contract(kind), kind)
    return documents.extended(row, FIRST, LAST[kind])


def change_schema(kind: Kind) -> Json:
    """The JSON Schema of a row of changes: a withdrawn one names the row alone."""
    row = row_schema(kind)
    named = {name: row["properties"][name] for name in _NAMES[kind]}
    gone = {
        "type": "object",
        "properties": {"change": {"const": "withdrawn"}, **named},
        "required": ["change", *named],
        "additionalProperties": False,
    }
    there = {
        "type": "object",
        "properties": {"change": {"enum": ["changed", "added"]}, **row["properties"]},
        "required": ["change", *row["required"]],
    }
    return {"oneOf": [gone, there]}


def document_schema(kind: Kind) -> Json:
    """The JSON Schema of a page, of rows or of changes."""
    command = documents.contract(kind)
    head = {
        name: member
        for name, member in command["properties"].items()
        if name not in ("schema", "version", "cluster", kind)
    }
    head["cluster"] = {"type": ["string", "null"], "description": "集群编码；null 为全部集群。"}
    head["since"] = {"type": "integer", "description": "只在增量时：对比的旧版本。"}
    head["counts"] = {
        "type": "object",
        "description": "只在增量时：各类变化的行数。",
        "additionalProperties": {"type": "integer"},
    }
    rows = {"anyOf": [row_schema(kind), change_schema(kind)]}
    page = documents.listing(kind, kind, rows, head)
    page["required"] = [n for n in page["required"] if n not in ("since", "counts", "weights")]
    return page


#: Members that name a row.
_NAMES: Mapping[Kind, tuple[str, ...]] = {
    "gaps": ("id", "region", "cluster", "product"),
    "targets": ("id", "region", "cluster", "product", "enterprise"),
}


def stable_id(*parts: str) -> str:
    """The id of a row: 20 hexadecimal digits of what it is about."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Feed:
    """The rows of one region, cluster and version.

    Attributes:
        ids: In order.
        rows: As JSON in UTF-8.
        facets: What filters look at.
        order: What rows are ordered by, smallest first: all members of a row.
        weights: Of the priority; empty for targets.
    """

    ids: list[str]
    rows: list[bytes]
    facets: list[Facets]
    order: list[tuple[Any, ...]]
    weights: Mapping[str, float]

    def weight(self) -> int:
        """Bytes it takes to keep it, about."""
        return sum(map(len, self.rows)) + 1000 * len(self.rows) + 1000


@dataclass(frozen=True)
class Pool:
    """Which candidates a list of targets ranks.

    Attributes:
        wanted: Enterprises that may be candidates; None for all.
        deep: All of them, not only the usual number of each gap.
    """

    wanted: Wanted | None = None
    deep: bool = False


#: What lists of targets rank unless asked otherwise.
USUAL = Pool()


def feed(
    service: Service, kind: Kind, region: str, cluster: str, version: int, pool: Pool = USUAL
) -> Feed:
    """The rows of a region and cluster; see :class:`Feed`.

    Raises:
        NotFoundError: No such region, cluster or version.
    """
    key = ("feed", version, kind, region, cluster, pool)
    if pool == USUAL:  # what one reader wants is not made ready before it is asked for again
        service.remember(
            ("feed", kind, region, cluster), lambda v: feed(service, kind, region, cluster, v)
        )
    if kind == "gaps":
        return service.feeds.get(key, lambda: _gaps(service, region, cluster, version))
    return service.feeds.get(key, lambda: _targets(service, region, cluster, version, pool))


def _gaps(service: Service, region: str, cluster: str, version: int) -> Feed:
    found = service.gaps(region, cluster, version)
    document = answers.gaps_answer(found).json()
    rows = [
        {
            "id": stable_id(region, cluster, row["product"]),
            "region": region,
            "cluster": cluster,
            **row,
        }
        for row in document["gaps"]
    ]
    names = ("actions", "primary", "evidence", "product", "link", "stage", "robust", "priority")
    facets = [{name: row[name] for name in names} for row in rows]
    order = [(-row["priority"], row["product"], cluster) for row in rows]
    return _feed(rows, facets, order, document["weights"])


def _targets(service: Service, region: str, cluster: str, version: int, pool: Pool) -> Feed:
    found = service.gaps(region, cluster, version)
    if pool == USUAL:
        targets = service.targets(region, cluster, version)
    else:
        most = None if pool.deep else PER_GAP
        targets = service.work_out(lambda: find_targets(found, None, most, pool.wanted))
    document = answers.targets_answer(found, targets).json()
    table = found.table.set_index("product")
    about = table[["primary", "actions", "evidence", "priority"]].to_dict("index")
    graph = found.scope.graph
    who = _enterprises(graph, [row["enterprise"] for row in document["targets"]])
    rows, facets = [], []
    for row in document["targets"]:
        gap, own = about[row["product"]], who[row["enterprise"]]
        whole = {
            "id": stable_id(region, cluster, row["product"], row["enterprise"]),
            "region": region,
            "cluster": cluster,
            **row,
            "action": gap["primary"],
            "actions": gap["actions"],
            "evidence": gap["evidence"],
            "priority": gap["priority"],
            **own,
        }
        rows.append(whole)
        facets.append(
            {
                name: whole[name]
                for name in (
                    "product", "enterprise", "actions", "evidence", "score", "rank", "priority",
                    "landing",
                )
            }
        )  # fmt: skip
    order = [(-row["priority"], row["product"], cluster, row["rank"]) for row in rows]
    return _feed(rows, facets, order, {})


def _enterprises(graph: ChainGraph, ids: Sequence[str]) -> dict[str, Json]:
    """Labels, source and date of enterprises."""
    columns = ("labels", "as_of", "source")
    at = graph.position("enterprises", ids)
    cells = {name: graph.text("enterprises", name)[at].tolist() for name in columns}
    return {
        one: {
            "labels": split_list(cells["labels"][i]),
            "as_of": cells["as_of"][i] or None,
            "source": cells["source"][i] or None,
        }
        for i, one in enumerate(ids)
    }


def _feed(
    rows: list[Json],
    facets: list[Json],
    order: list[tuple[Any, ...]],
    weights: Mapping[str, float],
) -> Feed:
    ids = [row["id"] for row in rows]
    return Feed(ids, [dumps(row) for row in rows], [*facets], order, weights)


@dataclass(frozen=True)
class Question:
    """What is asked of gaps or targets.

    Attributes:
        kind: Of which.
        region: Region code.
        clusters: Cluster ids; all clusters of the version where empty.
        keep: Which rows; None for all.
        pool: Which candidates are ranked, of targets.
    """

    kind: Kind
    region: str
    clusters: tuple[str, ...]
    keep: Keep | None = None
    pool: Pool = USUAL


def ask(service: Service, question: Question, version: int) -> Listing:
    """All rows that a question asks for, by priority of the gap, product, cluster and rank.

    Raises:
        NotFoundError: No such region, cluster or version.
    """
    ids, rows, weights = _chosen(service, question, version)
    columns = kinds(row_schema(question.kind))
    head = {**_head(question, version), **({"weights": weights} if weights else {})}
    return Listing(
        question.kind, head, question.kind, ids, lambda at: [rows[i] for i in at], columns
    )


def _head(question: Question, version: int) -> Json:
    one = question.clusters[0] if len(question.clusters) == 1 else None
    return {"region": question.region, "cluster": one, "version": version}


def _chosen(
    service: Service, question: Question, version: int
) -> tuple[list[str], list[bytes], Mapping[str, float]]:
    clusters = question.clusters or tuple(service.graph(version).index("clusters"))
    if not geo.exists(question.region):
        raise NotFoundError(f"没有这个地区：{question.region}。")
    found = [
        feed(service, question.kind, question.region, c, version, question.pool) for c in clusters
    ]
    chosen = [
        (each.order[i], each.ids[i], each.rows[i])
        for each in found
        for i in range(len(each.ids))
        if question.keep is None or question.keep(each.facets[i])
    ]
    if len(found) > 1:
        chosen.sort(key=lambda row: row[0])
    weights = found[0].weights if found else {}
    return [row[1] for row in chosen], [row[2] for row in chosen], weights


def changes(service: Service, question: Question, since: int, version: int) -> Listing:
    """What a reader of the list of one version must do to have that of another.

    Withdrawn rows come first, then changed and added ones in the order of the list. A cluster that
    a version does not hold has no rows in it.
    """
    then = dict(zip(*_chosen_if_there(service, question, since), strict=True))
    ids, rows = _chosen_if_there(service, question, version)
    now = dict(zip(ids, rows, strict=True))
    gone = [one for one in then if one not in now]
    events = [(one, _withdrawn(then[one], question.kind)) for one in gone]
    for kind, wanted in (("changed", True), ("added", False)):
        mark = b'{"change":"%s",' % kind.encode()
        events += [
            (one, mark + row[1:])
            for one, row in now.items()
            if (one in then) is wanted and then.get(one) != row
        ]
    counts = {
        "withdrawn": len(gone),
        "changed": sum(1 for one, row in now.items() if one in then and then[one] != row),
        "added": sum(1 for one in now if one not in then),
    }
    head = {**_head(question, version), "since": since, "counts": counts}
    columns = {"change": "text", **kinds(row_schema(question.kind))}
    encoded = [row for _, row in events]
    return Listing(
        question.kind,
        head,
        question.kind,
        [one for one, _ in events],
        lambda at: [encoded[i] for i in at],
        columns,
    )


def _chosen_if_there(
    service: Service, question: Question, version: int
) -> tuple[list[str], list[bytes]]:
    graph = service.graph(version)
    there = tuple(c for c in question.clusters if c in graph.index("clusters"))
    if question.clusters and not there:
        return [], []
    return _chosen(service, replace(question, clusters=there), version)[:2]


def _withdrawn(row: bytes, kind: Kind) -> bytes:
    whole = json.loads(row)
    return dumps({"change": "withdrawn", **{name: whole[name] for name in _NAMES[kind]}})


def above(low: float | None, value: float) -> bool:
    """Whether a value reaches a bound, if there is one."""
    return low is None or (not math.isnan(value) and value >= low)
