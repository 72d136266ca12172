"""Statements into a store: all of them in one version, or none."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from ..graph.chain import PACK, SINCE, ChainGraph
from ..graph.errors import ReadError
from ..graph.store import Change, Facts, Store
from ..graph.work import Decision
from .check import Known, check_pack
from .corrections import Corrections, correct
from .identity.identifier import Identifier
from .pack import PACK_SOURCE, PackReport, Progress, RawPack

#: Checked facts of a source that is no pack, and the graph without what the source said before, to
#: the facts to store. A stage adds what follows from texts, such as who makes what; a pack needs
#: none, for it says that itself.
Stage = Callable[[Facts, ChainGraph], Facts]
#: Told of each statement just before it is written, while nobody else can write.
Watch = Callable[[Facts], None]
#: What progress is called after the tables of a pack are checked: products are found, statements
#: written, and, when the next step cannot be taken back, all of it committed.
STAGING, WRITING, COMMITTING = "识别产品", "写入", "提交"


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
    packs: Iterable[RawPack | Corrections],
    progress: Progress | None = None,
    decisions: Iterable[Decision] = (),
    stages: Sequence[Stage] = (),
    receipt: Callable[[LoadReport], tuple[str, str]] | None = None,
    watch: Watch | None = None,
) -> LoadReport:
    """Load statements, atomically: each replaces what its name stated before.

    An exception that one of the callbacks raises leaves the store as it was.

    Args:
        store: Where to.
        packs: As read by :func:`sources.open_source`, or corrections of what is in quarantine;
            later ones may refer to earlier ones. Each is forgotten as soon as it is checked, so an
            iterator that holds none of them keeps no more in memory than the facts.
        progress: Told of each table of each pack, and of what follows.
        decisions: What people decided about which enterprises are one.
        stages: What is done, in this order, to the facts of sources that are no packs.
        receipt: Key and text of the receipt that the store shall keep of this load, if any.
        watch: Told of each statement before it is written.

    Raises:
        ReadError: Two of the packs have the same name, or one falls short of its source's promise.
        StoreBusyError: Another process is writing.
    """
    waiting = deque(packs)
    names = [pack.name for pack in waiting if isinstance(pack, RawPack)]
    if len(set(names)) < len(names):
        raise ReadError(
            f"数据包重名：{'、'.join(sorted({n for n in names if names.count(n) > 1}))}。"
        )
    decided = tuple(decisions)
    tell = progress or _silent
    merged: dict[str, Mapping[str, int]] = {}
    to_review: list[int] = []
    reports: list[PackReport] = []
    stated: dict[str, Facts] = {}
    # Opened first, so that nobody changes what references are checked against.
    with store.writer() as writer:
        view = store.view()
        # Corrections change what their packs said before; of a pack that is stated anew nobody asks.
        anew = names if len(names) == len(waiting) else []
        # Read only where something asks: a list without references needs nothing of the store.
        held = cache(lambda: {facts.pack: facts for facts in view.facts(but=anew)})

        def others() -> list[Facts]:
            return [facts for name, facts in held().items() if name not in (*names, *stated)]

        def enterprises() -> pd.DataFrame:
            said = view.stated("enterprises", but=anew)
            now = [f.tables["enterprises"] for f in stated.values() if "enterprises" in f.tables]
            return pd.concat([said[~said[PACK].isin([*names, *stated])], *now], ignore_index=True)

        def keep(facts: Facts, checked: PackReport) -> None:
            """Take a statement, after the stages where its source is no pack."""
            # A sheet of corrections in which nothing was changed has no files.
            if stages and checked.files and checked.source != PACK_SOURCE:
                tell(STAGING, 0, 1)
                rest = [f for f in (*others(), *stated.values()) if f.pack != facts.pack]
                staged = _staged(facts, stages, rest)
                facts, checked = _recounted(facts, staged, checked)
            stated[facts.pack] = facts
            reports.append(checked)

        def check(pack: RawPack | Corrections) -> list[tuple[Facts, PackReport]]:
            # In a function of its own, because what enterprises were compared by takes as much room
            # as the facts.
            if isinstance(pack, Corrections):
                everything = Known(_ids(lambda: [*others(), *stated.values()]))
                new = correct(pack, lambda name: stated.get(name) or held().get(name), everything)
                return list(zip(*new, strict=True))
            before = list(stated.values())
            identifier = Identifier(enterprises(), decided)
            known = Known(_ids(lambda: [*others(), *before]))
            facts, checked = check_pack(pack, known, progress, identifier)
            if identifier.resolution is not None:
                merged[pack.name] = identifier.resolution.counts()
                to_review.append(len(identifier.resolution.review))
            return [(facts, checked)]

        while waiting:
            for facts, checked in check(waiting.popleft()):
                keep(facts, checked)
        changes: list[Change] = []
        for done, facts in enumerate(stated.values()):
            tell(WRITING, done, len(stated))
            if watch is not None:
                watch(facts)
            changes += writer.replace(facts)
        version = writer.version
        report = LoadReport(
            version, version != view.version, tuple(reports), tuple(changes), merged, sum(to_review)
        )
        if receipt is not None:
            writer.keep(*receipt(report))
        tell(COMMITTING, 0, 1)
    return report


def _silent(label: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _ids(stated: Callable[[], Sequence[Facts]]) -> Callable[[str], Set[str]]:
    """Looks up the ids of a table's nodes in statements, which are read when first needed."""

    def look_up(table: str) -> Set[str]:
        frames = [facts.tables[table] for facts in stated() if table in facts.tables]
        return {i for frame in frames for i in frame["id"].tolist()}

    return look_up


def _staged(facts: Facts, stages: Sequence[Stage], others: Sequence[Facts]) -> Facts:
    """The facts after the stages, each of which sees what the other packs say."""
    stated: dict[str, list[pd.DataFrame]] = {}
    for order, each in enumerate(others):
        for name, frame in each.tables.items():
            stated.setdefault(name, []).append(_marked(frame, each.pack, order))
    graph = ChainGraph({n: pd.concat(frames, ignore_index=True) for n, frames in stated.items()})
    for stage in stages:
        facts = stage(facts, graph)
    return facts


def _recounted(before: Facts, after: Facts, report: PackReport) -> tuple[Facts, PackReport]:
    """Facts and report with what stages put in quarantine, in the name of the file it came from."""
    rejects = after.rejects
    if len(rejects) == len(before.rejects):
        return after, report
    files = {file.table: file.file for file in report.files if file.table}
    added = rejects.index >= len(before.rejects)
    table = rejects["file"].where(added)
    rejects = rejects.assign(file=table.map(files).fillna(rejects["file"]).astype("str"))
    lost = table.value_counts()
    counted = tuple(
        replace(
            file,
            loaded=file.loaded - int(lost.get(file.table, 0)),
            quarantined=file.quarantined + int(lost.get(file.table, 0)),
        )
        for file in report.files
    )
    reasons = dict(Counter(rejects["reason"].tolist()))
    return replace(after, rejects=rejects), replace(report, files=counted, reasons=reasons)


def _marked(frame: pd.DataFrame, pack: str, order: int) -> pd.DataFrame:
    """Facts with who states them, and in which order, as a store keeps them."""
    whole = frame.copy()
    whole[PACK], whole[SINCE] = pack, order
    return whole
