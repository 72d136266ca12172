"""What the ChainKnowledgeGraph folder needs beyond its description.

Its weights are shares of revenue from several breakdowns of one company (by product, by segment, by
year) in one list, without saying which is which. :func:`shares` finds the one breakdown that adds up
to the whole, where there is exactly one finest; other weights are not used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...graph.errors import ReadError
from ..pack import RawPack
from ..quarantine import ROW, VALUE
from ..readers import RawTable
from .values import read_data

#: The weight of products that stand in the business scope alone: a mark, no figure.
PLACEHOLDER = 0.001
#: Weights have six decimals; a sum of that many is off by half of the last at most.
_ROUNDING = 0.5e-6
#: More weights than this add up to the whole by accident.
_MOST = 16
#: The same with weights below 0, which make accidents more likely.
_MOST_SIGNED = 12
#: How a company's weights became shares, or why not, with the words of the report.
OUTCOMES: Mapping[str, str] = {
    "as_given": "原样归并为一个收入构成",
    "joined": "相同权重视为同一项目后归并",
    "taken_off": "计入分部间抵销后归并",
    "no_sum": "没有一组权重合计为 1",
    "several": "有不止一组合计为 1",
    "too_many": f"不同权重超过 {_MOST} 个",
}


def resolve(pack: RawPack) -> RawPack:
    """The folder's tables without what are no products and no inputs, with resolved shares."""
    tables = dict(pack.tables)
    notices = list(pack.notices)
    if "products" in tables:
        names = _cells(tables["products"], "name")
        tables["products"] = _refuse(tables["products"], "name", unusable(names))
    if "produces" in tables:
        produces, notice = _shares(tables["produces"])
        tables["produces"] = _refuse(produces, "product", unusable(_cells(produces, "product")))
        notices.append(notice)
    if "inputs" in tables:
        tables["inputs"] = _inputs(tables["inputs"])
    helpers = {helper.file: helper for helper in pack.helpers}
    # Rows corrected later come without the files that only help.
    if helpers and "enterprises" in tables:
        tables["enterprises"], known = _industries(tables["enterprises"], helpers)
        helpers["company_industry.json"] = known
    return replace(pack, tables=tables, helpers=tuple(helpers.values()), notices=tuple(notices))


def unusable(names: pd.Series) -> pd.Series:
    """Reason code of names that are no product's, "" for the others.

    The words stand in ``data/sources/chainkg_names.csv``.
    """
    reasons = pd.Series("", index=names.index, dtype="str")
    for reason, pattern in _patterns().items():
        reasons[(reasons == "") & names.str.fullmatch(pattern).to_numpy(dtype=bool)] = reason
    return reasons


def _patterns() -> Mapping[str, str]:
    forms = {"is": "{}", "begins": "{}.*", "ends": ".*{}", "holds": ".*{}.*"}
    found: dict[str, list[str]] = {}
    for row in read_data("chainkg_names.csv"):
        form = forms[row["how"]].format(re.escape(row["word"]))
        found.setdefault(row["reason"], []).append(form)
    return {reason: "|".join(parts) for reason, parts in found.items()}


def _cells(raw: RawTable, column: str) -> pd.Series:
    """A column's cells as they stand in the file."""
    assert raw.original is not None
    return raw.original[raw.headers[column]]


def _holding(raw: RawTable, *columns: str) -> RawTable:
    """A table that has the columns.

    Raises:
        ReadError: It lacks one.
    """
    have = raw.frame if raw.original is None else raw.original
    if missing := [column for column in columns if column not in have.columns]:
        raise ReadError(f"{raw.file}：缺少列 {'、'.join(missing)}。")
    return raw


def _refuse(raw: RawTable, column: str, reasons: pd.Series, level: str = ROW) -> RawTable:
    bad = np.flatnonzero((reasons != "").to_numpy())
    faults = pd.DataFrame(
        {
            "at": bad,
            "column": column,
            "level": level,
            "reason": reasons.iloc[bad].to_numpy(dtype=object),
            "value": _cells(raw, column).iloc[bad].to_numpy(dtype=object),
        }
    )
    return replace(raw, faults=pd.concat([raw.faults, faults], ignore_index=True))


def _inputs(raw: RawTable) -> RawTable:
    """上游材料 are inputs; 下游产品 are inputs the other way round; 产品小类 are none."""
    raw = _holding(raw, "rel")
    assert raw.original is not None
    kind = raw.original["rel"]
    down = (kind == "下游产品").to_numpy()
    frame = raw.frame.copy()
    frame.loc[down, ["product", "input"]] = raw.frame.loc[down, ["input", "product"]].to_numpy()
    reasons = pd.Series("", index=kind.index, dtype="str")
    reasons[~kind.isin(["上游材料", "下游产品"])] = "not_an_input"
    raw = _refuse(replace(raw, frame=frame), "product", reasons)
    for column in ("product", "input"):
        raw = _refuse(raw, column, unusable(_cells(raw, column)))
    return raw


def _industries(companies: RawTable, helpers: Mapping[str, RawTable]) -> tuple[RawTable, RawTable]:
    """Companies with their industry as a path (传媒/出版/大众出版), and the table that says so."""
    links = _holding(helpers["industry_industry.json"], "from_industry", "to_industry").frame
    above = dict(zip(links["from_industry"], links["to_industry"], strict=True))
    listed = _holding(helpers["company_industry.json"], "company_code", "industry_name")

    def path(name: str) -> str:
        steps = [name]
        while (upper := above.get(steps[0])) is not None and upper not in steps:
            steps.insert(0, upper)
        return "/".join(steps)

    industry = listed.frame["industry_name"].map(
        {n: path(n) for n in listed.frame["industry_name"].unique()}
    )
    code = listed.frame["company_code"].str[:6]
    of_code = dict(zip(code, industry, strict=True))
    own = companies.frame["id"].str[:6]
    frame = companies.frame.assign(industry=own.map(of_code).fillna("").astype("str"))
    reasons = pd.Series("", index=code.index, dtype="str")
    reasons[~code.isin(own).to_numpy()] = "unknown_reference"
    reasons[(reasons == "") & code.duplicated()] = "duplicate_key"
    known = replace(listed, original=listed.frame, headers={"company_code": "company_code"})
    return replace(companies, frame=frame), _refuse(known, "company_code", reasons)


def _shares(raw: RawTable) -> tuple[RawTable, str]:
    """The relation of companies and products with resolved shares."""
    weights = pd.to_numeric(raw.frame["share"], errors="coerce").to_numpy(dtype=np.float64)
    usable = (unusable(_cells(raw, "product")) != "not_a_name").to_numpy()
    real = (weights > 0) & (weights <= 1) & (weights != PLACEHOLDER)
    found = np.full(len(weights), np.nan)
    outcomes: Counter[str] = Counter()
    companies = raw.frame["enterprise"].to_numpy(dtype=object)
    below = (weights < 0) & (weights > -1)
    taken_off = pd.Series(weights[below]).groupby(companies[below]).agg(list)
    rows_of = pd.Series(np.flatnonzero(real)).groupby(companies[real]).agg(list)
    for company, rows in rows_of.items():
        less = np.asarray(taken_off.get(company, []), dtype=np.float64)
        found[rows], outcome = breakdown(weights[rows], less)
        outcomes[outcome] += 1
    chosen = ~np.isnan(found)
    reasons = pd.Series("", index=raw.frame.index, dtype="str")
    reasons[~real & (weights != PLACEHOLDER)] = "out_of_range"
    reasons[real & ~chosen & usable] = "share_unresolved"
    told = "，".join(f"{zh} {outcomes[code]} 家" for code, zh in OUTCOMES.items() if outcomes[code])
    notice = (
        f"{raw.file}：{len(rows_of)} 家企业有收入权重：{told}；不能归并的占比留空，收入平均分摊。"
        f"{int((weights == PLACEHOLDER).sum())} 行权重为占位值 {PLACEHOLDER}（仅见于经营范围），占比留空。"
    )
    share = pd.Series(
        ["" if np.isnan(value) else repr(float(value)) for value in found], raw.frame.index
    )
    raw = replace(raw, frame=raw.frame.assign(share=share.astype("str")))
    return _refuse(raw, "share", reasons, VALUE), notice


def breakdown(
    weights: npt.NDArray[np.float64], taken_off: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], str]:
    """A company's shares of revenue, NaN where a weight is none of them, and how they were found.

    The weights themselves count first (:func:`shares`). Then equal weights count as one: an item
    such as 物业租赁和服务 stands under each of its parts with the weight of the whole, which is
    divided evenly among them. Then what is taken off between segments (分部间抵销) counts too, and
    the shares are those of what the segments sell together.

    Args:
        weights: Shares of revenue, above 0, with six decimals.
        taken_off: Weights below 0.

    Returns:
        Shares, shape of ``weights``, and a code of :data:`OUTCOMES`.
    """
    picked, why = _picked(weights)
    if picked is not None:
        chosen = np.full(len(weights), np.nan)
        chosen[picked] = weights[picked]
        return chosen, "as_given"
    units, unit, count = np.unique(weights, return_inverse=True, return_counts=True)
    outcome = "joined"
    picked, again = _picked(units) if len(units) < len(weights) else (None, why)
    if picked is None and len(taken_off) and len(units) + len(taken_off) <= _MOST_SIGNED:
        outcome = "taken_off"
        picked, _ = _whole(np.concatenate([units, taken_off]))
    if picked is None:
        return np.full(len(weights), np.nan), again
    values = np.full(len(units) + len(taken_off), np.nan)
    values[picked] = np.concatenate([units, taken_off])[picked]
    if outcome == "taken_off":
        # What segments sell to each other is no revenue of the company.
        values /= np.nansum(values[: len(units)])
    return (values[: len(units)] / count)[unit], outcome


def shares(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64] | None:
    """Which of a company's weights are one breakdown of its revenue.

    All of them, where they add up to no more than the whole. Else those that add up to exactly the
    whole; of several such sets the one with the most parts, as it breaks down the others.

    Args:
        weights: Shares of revenue, above 0, with six decimals.

    Returns:
        Positions of the breakdown; None where there is none, or more than one as fine.
    """
    return _picked(weights)[0]


def _picked(weights: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64] | None, str]:
    if weights.sum() <= 1 + _ROUNDING * len(weights):
        return np.arange(len(weights)), ""
    return (None, "too_many") if len(weights) > _MOST else _whole(weights)


def _whole(weights: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64] | None, str]:
    """The finest set that adds up to exactly the whole, or why there is none."""
    sums = np.zeros(1)
    parts = np.zeros(1, dtype=np.int64)
    for weight in weights:
        sums = np.concatenate([sums, sums + weight])
        parts = np.concatenate([parts, parts + 1])
    whole = np.flatnonzero(np.abs(sums - 1) <= _ROUNDING * parts + 1e-12)
    if not len(whole):
        return None, "no_sum"
    finest = whole[parts[whole] == parts[whole].max()]
    if len(finest) > 1:
        return None, "several"
    return np.flatnonzero(finest[0] >> np.arange(len(weights)) & 1), ""
