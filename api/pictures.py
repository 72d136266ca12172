"""Pictures by kind and file ending: pages, and sheets for print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..analysis.gaps import Gaps
from ..analysis.provenance import source_quality
from ..analysis.supply import supply_rate
from ..analysis.targets import find_targets
from ..graph import regions as geo
from ..graph.errors import ChainAtlasError
from ..viz.language import retell, say, text
from ..viz.words import listed, place_name
from . import answers

if TYPE_CHECKING:
    from ..viz.attraction import Battle
    from ..viz.boundaries import Boundaries
    from ..viz.drawing import Drawing
    from ..viz.report import Report

PICTURES = {"chain": "链图", "resources": "资源分布图", "attraction": "招商攻坚图"}
#: Endings of picture files; the last three are for print.
ENDINGS = (".html", ".png", ".svg", ".pdf")
#: Endings of report files.
REPORTS = (".html", ".docx")
#: The sheets of a cluster in one PDF, in this order.
_PRINTED = ("attraction", "chain", "resources")


@dataclass(frozen=True)
class Making:
    """How pictures are made.

    Attributes:
        single: Whether a page holds its scripts and styles itself.
        boundaries: The bureau's own outlines, or the GeoJSON file or folder that holds them; None
            for those that ship.
        approval: Map approval number (审图号) to print; "" for that of the outlines.
    """

    single: bool = False
    boundaries: Path | Boundaries | None = None
    approval: str = ""


def titled(region: str, cluster: str, home: str) -> str:
    """A cluster's name with the region asked for, unless it names that itself.

    >>> titled("420100", "武汉市集成电路产业集群", "420100")
    '武汉市集成电路产业集群'
    >>> titled("420000", "武汉市集成电路产业集群", "420100"), titled("420100", "新材料", "420100")
    ('湖北省·武汉市集成电路产业集群', '武汉市新材料')
    """
    place = geo.name(region)
    if cluster.startswith(place):
        return cluster
    shown = retell(place)  # in Latin letters it would run into the name
    apart = shown != place or cluster.startswith(geo.name(home))
    return f"{shown}·{cluster}" if apart else place + cluster


def stamp(found: Gaps) -> str:
    """Region, version of the facts, and today's date: on every picture and list."""
    place = place_name(found.scope.region)
    return say(
        "地区 %(place)s（%(region)s）｜数据版本 %(version)d｜%(date)s",
        place=place,
        region=found.scope.region,
        version=found.version,
        date=date.today(),
    )


class Album:
    """The pictures of one region and cluster; what several of them need is found once.

    Args:
        found: What to draw.
        making: How.
        targets: Ranked targets, found anew where None.
    """

    def __init__(
        self, found: Gaps, making: Making | None = None, targets: pd.DataFrame | None = None
    ) -> None:
        # Drawing libraries are slow to import, and most commands draw nothing.
        from ..viz.boundaries import SHIPPED, read_boundaries

        self._found, self._making = found, making or Making()
        self._targets = targets
        own = self._making.boundaries or SHIPPED
        outlines = read_boundaries(own) if isinstance(own, Path) else own
        approval = self._making.approval or outlines.approval
        self._boundaries = replace(outlines, approval=approval)
        self._stamp = stamp(found)
        self._sheets: dict[str, list[Drawing]] = {}
        graph = found.scope.graph
        row = graph["clusters"].set_index("id").loc[found.scope.cluster].to_dict()
        self.title = titled(found.scope.region, str(row["name"]), str(row["region"]))
        names = dict(zip(graph.text("packs", "id"), graph.text("packs", "title"), strict=True))
        self._source = say("数据来源：%(names)s", names=listed(t or n for n, t in names.items()))

    def heading(self, kind: str) -> str:
        """Heading of one of :data:`PICTURES`."""
        return say("%(title)s%(picture)s", title=self.title, picture=text(PICTURES[kind]))

    def draw(self, kind: str, out: Path) -> None:
        """Write one picture.

        Args:
            kind: One of :data:`PICTURES`.
            out: A file with one of :data:`ENDINGS`; scripts of a page go into ``assets`` beside it.

        Raises:
            ChainAtlasError: Another ending, or the file cannot be written.
        """
        check_ending(out)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            if out.suffix.lower() == ".html":
                self._page(kind, out)
            else:
                self._save(self.sheets(kind), self.heading(kind), out)
        except OSError as error:
            raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error

    def print_all(self, out: Path) -> None:
        """Write the sheets of every picture into one PDF, the 招商攻坚图 first.

        Raises:
            ChainAtlasError: The file cannot be written.
        """
        pages = [page for kind in _PRINTED for page in self.sheets(kind)]
        try:
            self._save(pages, f"{self.title}作战图", out)
        except OSError as error:
            raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error

    def report(self, out: Path) -> None:
        """Write the report: what there is, what is missing, whom to bring in, how sure that is.

        Args:
            out: A file with one of :data:`REPORTS`.

        Raises:
            ChainAtlasError: Another ending, or the file cannot be written.
        """
        check_ending(out, REPORTS)
        from ..viz.office import write_docx
        from ..viz.render import png
        from ..viz.report import write_html

        content, sheet = self._report, self.sheets("chain")[0]
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            if out.suffix.lower() == ".html":
                write_html(content, out, sheet, single=self._making.single)
            else:
                write_docx(content, out, png(sheet, content.title, content.stamp))
        except OSError as error:
            raise ChainAtlasError(f"无法写入 {out}：{error.strerror}。") from error

    @cached_property
    def _report(self) -> Report:
        from ..viz.report import compose

        rate, quality = supply_rate(self._found.scope), source_quality(self._found.scope.graph)
        title = self.title + "诊断报告"
        return compose(self._found, self._ranked, rate, quality, title, self._stamp)

    @cached_property
    def _ranked(self) -> pd.DataFrame:
        return find_targets(self._found) if self._targets is None else self._targets

    def _save(self, pages: Iterable[Drawing], title: str, out: Path) -> None:
        from ..viz.render import save

        save(list(pages), title, self._stamp, out)

    @cached_property
    def battles(self) -> list[Battle]:
        """Every gap with whom to bring in and where."""
        from ..viz.attraction import battle

        return battle(self._found, self._ranked)

    def tables(self) -> list[tuple[str, pd.DataFrame]]:
        """The tables behind the 资源分布图, each with its title."""
        from ..viz.resource_map import resource_tables

        return resource_tables(self._found)

    def _page(self, kind: str, out: Path) -> None:
        from ..viz.attraction import draw_attraction
        from ..viz.chain import draw_chain
        from ..viz.resource_map import draw_resources

        found, single, title = self._found, self._making.single, self.heading(kind)
        if kind == "chain":
            table = answers.gaps_table(found, found.table)
            draw_chain(found, title, self._stamp, table, out, single=single)
        elif kind == "resources":
            draw_resources(found, title, self._stamp, out, self._boundaries, single=single)
        else:
            draw_attraction(self.battles, title, self._stamp, out, single=single)

    def sheets(self, kind: str) -> list[Drawing]:
        """The A3 pages of a picture: the picture itself, then its table where it has one."""
        from ..viz.attraction import attraction_sheets
        from ..viz.chain import chain_sheet
        from ..viz.resource_map import resources_sheets
        from ..viz.sheet import numbered

        if kind not in self._sheets:
            title = self.heading(kind)
            about = (title, self._stamp, self._source)
            if kind == "chain":
                made = chain_sheet(self._found, *about)
            elif kind == "resources":
                made = resources_sheets(self._found, *about, self._boundaries)
            else:
                made = attraction_sheets(self.battles, *about)
            self._sheets[kind] = numbered(made)
        return self._sheets[kind]


def check_ending(out: Path, endings: Sequence[str] = ENDINGS) -> None:
    """Refuse a file whose ending names no kind of picture, or of report.

    Raises:
        ChainAtlasError: It is none of the endings.
    """
    if out.suffix.lower() not in endings:
        what = "报告" if endings == REPORTS else "图片"
        known = "、".join(endings)
        raise ChainAtlasError(f"不支持的{what}格式 {out.suffix or out}：应以 {known} 结尾。")
