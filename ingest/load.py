"""Packs into a store: all of them in one version, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.chain import PACK
from ..graph.errors import ReadError
from ..graph.schema import TABLES
from ..graph.store import Change, Store
from .pack import PackReport, Progress, RawPack, check_pack


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        version: Version of the facts after it.
        changed: Whether it made a new version.
        packs: What became of each pack's files.
        changes: Facts added, changed and withdrawn, table by table.
    """

    version: int
    changed: bool
    packs: tuple[PackReport, ...]
    changes: tuple[Change, ...]

    @property
    def quarantined(self) -> int:
        """Rows and values in quarantine."""
        return sum(pack.quarantined for pack in self.packs)


def load(store: Store, packs: Sequence[RawPack], progress: Progress | None = None) -> LoadReport:
    """Load packs, atomically: a pack replaces what its name stated before.

    Args:
        store: Where to.
        packs: Packs as read by :func:`pack.open_pack`; later ones may refer to earlier ones.
        progress: Told of each table of each pack.

    Raises:
        ReadError: Two of the packs have the same name.
        StoreBusyError: Another process is writing.
    """
    names = [pack.name for pack in packs]
    if len(set(names)) < len(names):
        raise ReadError(
            f"数据包重名：{'、'.join(sorted({n for n in names if names.count(n) > 1}))}。"
        )
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
        for pack in packs:
            facts, report = check_pack(pack, known, progress)
            changes += writer.replace(facts)
            reports.append(report)
            for name, frame in facts.tables.items():
                if "id" in frame:
                    known.setdefault(name, set()).update(frame["id"])
        version = writer.version
    return LoadReport(version, version != view.version, tuple(reports), tuple(changes))
