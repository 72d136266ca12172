"""What a reader finds in a notice, and the shape all findings share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: Kinds of findings with the words an officer reads, in the order they are shown.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "goal": "目标",
        "tier": "梯次",
        "cluster": "集群",
        "field": "重点领域",
        "support": "支持金额",
        "instrument": "政策工具",
        "fund": "基金",
        "plan": "计划",
        "talent": "人才举措",
        "project": "项目类型",
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing a notice says.

    Attributes:
        kind: Code of :data:`KINDS`.
        name: What it is: what a goal measures, what a fund is called, and so on.
        stated: The figure as written, "" where there is none.
        low: The figure; money in single units of its currency. None where there is none.
        high: The upper end of a range, else ``low``.
        unit: CNY, USD, %, or the word counted with.
        year: Year by which, None where none is given.
        mode: How the figure is meant: 达到, 增长, 现有, 新增, 每年, 一次性, 最高 ...
        whom: Who gets the money and when.
        code: Code of the schema, where there is one (tier, project kind), or the tool's kind.
        section: Headings it stands under.
        sentence: The sentence it was read in.
    """

    kind: str
    name: str
    section: str
    sentence: str
    stated: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    year: int | None = None
    mode: str = ""
    whom: str = ""
    code: str = ""
