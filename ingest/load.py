"""Packs into a store: all of them in one version, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..graph.chain import PACK
from ..graph.errors import ReadError
from ..graph.schema import TABLES
from ..graph.store import Change, Store
from ..graph.work import Decision
from .identity.identifier import Identifier
from .pack import PackReport, Progress, RawPack, check_pack


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        version: Version of the facts after it.
        changed: Whether it made a new version.
        packs: What became of each pack's files.
        changes: Facts added, changed and withdrawn, table by table.
        merged: Enterprises of each pack that are those of another pack, by what decided.
        to_review: Pairs of enterprises that may be one; see :func:`identity.review`.
    """

    version: int
    changed: bool
    packs: tuple[PackReport, ...]
    changes: tuple[Change, ...]
    merged: Mapping[str, Mapping[str, int]]
    to_review: int

    @property
    def quarantined(self) -> int:
        """Rows and values in quarantine."""
        return sum(pack.quarantined for pack in self.packs)


def load(
    store: Store,
    packs: Sequence[RawPack],
    progress: Progress | None = None,
    decisions: Iterable[Decision] = (),
) -> LoadReport:
    """Load packs, atomically: a pack replaces what its name stated before.

    Args:
        store: Where to.
        packs: Packs as read by :func:`pack.open_pack`; later ones may refer to earlier ones.
        progress: Told of each table of each pack.
        decisions: What people decided about which enterprises are one.

    Raises:
        ReadError: Two of the packs have the same name.
        StoreBusyError: Another process is writing.
    """
    names = [pack.name for pack in packs]
    if len(set(names)) < len(names):
        raise ReadError(
            f"数据包重名：{'、'.join(sorted({n for n in names if names.count(n) > 1}))}。"
        )
    decided = tuple(decisions)
    merged: dict[str, Mapping[str, int]] = {}
    to_review = 0
    reports: list[PackReport] = []
    changes: list[Change] = []
    # Opened first, so that nobody changes what references are checked against.
    with store.writer() as writer:
        view = store.view()
        graph = view.graph()
        known: dict[str, set[str]] = {}
        for name in TABLES:
            frame = graph[name]
            if "id" in frame:
                others = ~frame[PACK].isin(names) if PACK in frame else slice(0)
                known[name] = set(frame.loc[others, "id"])
        stated = view.stated("enterprises")
        stated = stated[~stated[PACK].isin(names)]
        for pack in packs:
            identifier = Identifier(stated, decided)
            facts, report = check_pack(pack, known, progress, identifier)
            if identifier.resolution is not None:
                merged[pack.name] = identifier.resolution.counts()
                to_review += len(identifier.resolution.review)
                stated = pd.concat([stated, facts.tables["enterprises"]], ignore_index=True)
            changes += writer.replace(facts)
            reports.append(report)
            for name, frame in facts.tables.items():
                if "id" in frame:
                    known.setdefault(name, set()).update(frame["id"])
        version = writer.version
    return LoadReport(
        version, version != view.version, tuple(reports), tuple(changes), merged, to_review
    )
