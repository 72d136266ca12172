"""What could not be used, and why: reason codes, and the list that collects them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..graph.chain import records, typed
from ..graph.schema import REJECTS

#: Every reason code with the Chinese sentence an officer reads; {} is the value or the limit.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "missing_value": "必填字段为空",
        "cell_too_long": "单元格过长（超过 32767 字）",
        "bad_number": "不是数字",
        "out_of_range": "数值超出允许范围",
        "not_whole": "应为整数",
        "bad_date": "日期不存在或格式不是 YYYY-MM-DD",
        "bad_adcode": "没有这个行政区划代码（GB/T 2260）",
        "bad_country": "没有这个国别代码（ISO 3166）",
        "bad_uscc": "统一社会信用代码校验不通过（GB 32100-2015）",
        "code_as_number": "代码被表格软件改成了数字，原值已丢失",
        "bad_choice": "不在允许的取值之内",
        "bad_gb_code": "不是 GB/T 4754 代码的写法",
        "duplicate_key": "主键重复，保留第一行",
        "unknown_reference": "引用的编码不存在",
        "self_reference": "两端是同一个编码",
        "cost_shares_over_1": "同一产品已给出的成本占比合计超过 1",
        "wrong_columns": "列数与表头不符",
        "unknown_rule": "没有这个规则名",
        "bad_money": "不是金额",
        "unknown_currency": "没有这种货币的汇率",
        "bad_stock": "不是股票代码的写法",
        "generic_name": "名称过于笼统，不是产品",
        "not_a_name": "不是产品名称（句子片段或报表项目）",
        "not_an_input": "是上下位关系，不是投入关系",
        "same_product": "与另一行是同一产品（名称或别名相同），已并入该行，占比相加",
        "share_unresolved": "收入占比属于重复或无法归并的口径，未采用",
    }
)
ROW, VALUE = "row", "value"


class Quarantine:
    """Collects rejects of one pack; columns are those of :data:`graph.schema.REJECTS`."""

    def __init__(self) -> None:
        self._parts: list[pd.DataFrame] = []

    def add(
        self,
        file: str,
        lines: npt.NDArray[np.int64],
        columns: Sequence[str],
        reasons: Sequence[str],
        raw: Sequence[str],
        *,
        level: str = ROW,
        values: Sequence[str] | None = None,
    ) -> None:
        """Add rejects of one file; all sequences have the length of ``lines``.

        Args:
            file: Name of the file within the pack.
            lines: Line of the file each begins on.
            columns: Column at fault, "" where it is the whole row.
            reasons: Codes of :data:`REASONS`.
            raw: The row as it stood, see :func:`raw_rows`.
            level: ``row`` where the row is not loaded, ``value`` where only a value is left out.
            values: The values at fault, shown in the message.
        """
        if not len(lines):
            return
        shown = values if values is not None else [""] * len(lines)
        messages = [
            REASONS[reason] + (f"：{_short(value)}" if value else "")
            for reason, value in zip(reasons, shown, strict=True)
        ]
        self._parts.append(
            pd.DataFrame(
                {
                    "file": file,
                    "line": lines.astype(np.float64),
                    "column": list(columns),
                    "level": level,
                    "reason": list(reasons),
                    "message": messages,
                    "raw": list(raw),
                }
            )
        )

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def table(self) -> pd.DataFrame:
        """All rejects, by file and line."""
        if not self._parts:
            return typed(pd.DataFrame({c.name: [] for c in REJECTS.own}), REJECTS)
        whole = pd.concat(self._parts, ignore_index=True)
        whole = whole.sort_values(["file", "line", "column"], kind="stable", ignore_index=True)
        return typed(whole, REJECTS)


def _short(value: str, limit: int = 60) -> str:
    return value if len(value) <= limit else value[:limit] + "…"


def raw_rows(frame: pd.DataFrame) -> list[str]:
    """Rows as JSON objects of their non-empty cells, so that they can be corrected and read again."""
    return [
        json.dumps({k: v for k, v in row.items() if v}, ensure_ascii=False)
        for row in records(frame)
    ]


def raw_facts(frame: pd.DataFrame) -> list[str]:
    """Rows of facts, typed already, in the form of :func:`raw_rows`."""
    return raw_rows(frame.astype(object).where(frame.notna(), "").astype("str"))
