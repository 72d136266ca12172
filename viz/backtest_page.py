"""The report of the backtest: what was predicted, against what, and how it could mislead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ..analysis.backtest.protocols import BASELINES, TEXT, Backtest, Curve
from .backtest_charts import Axis, Series, chart, percent_axis
from .page import picture, write_page
from .tables import grid

#: What a ranking is called.
RANKINGS: Mapping[str, str] = {"model": "本模型", **BASELINES, TEXT: "文本相似度"}
Columns = Mapping[str, Callable[[Mapping[str, Any]], str]]
TITLE = "排序有多可靠：历史回测"
#: Title of each protocol, what it asks, and what one event is.
PROTOCOLS: Mapping[str, tuple[str, str]] = {
    "entry": (
        "一、哪些空白会被填上（城市 × 行业）",
        "起点时某城市没有某行业的上市公司，到结果日期有没有出现。全部空白组合都是候选，不做抽样。",
    ),
    "entry_within_city": (
        "二、每个城市内部的排序",
        "同一排序放到每个城市里看：城市的第一个新行业排在第几位。只含至少有一个新行业的城市。",
    ),
    "placement": (
        "三、企业落在哪个城市（隐去名称）",
        "对每家新上市公司，只看去掉企业名和地名的业务文本与行业，给全部城市排序。",
    ),
    "gap_to_firm": (
        "四、填补空白的是哪家企业",
        "对每个确实被填上的空白，在同行业的全部新上市公司里排序。"
        "只描述城市与行业的基线对同行业企业一视同仁，在这里等于随机。",
    ),
}
#: Ways to a figure that looks better and is not, with what they were measured to give.
DISHONEST: tuple[tuple[str, str], ...] = (
    ("把已有企业的组合留在候选里", "前 100 名命中率升到 89%：只是在预测已经有的东西。"),
    ("负样本按 1:1 抽样", "平均精度升到 0.96：真实世界里空白远多于新增。"),
    ("保留企业名称", "首位命中由 12% 升到 58%：一半的法定名称含有城市名。"),
    ("拉长时间窗", "事件越多，精度越高；不同时间窗的数字不能相比。"),
    ("只报告 AUC", "最简单的基线也有 0.87 上下，看不出前几百名准不准。"),
    ("在测试期上挑选方法", "本报告的特征、惩罚和年限都在起点之前的时间窗上选定。"),
)


@dataclass(frozen=True)
class Part:
    """One protocol as the page shows it."""

    title: str
    text: str
    lines: tuple[str, ...]
    pictures: tuple[Markup, ...]
    table: Any


def write_backtest(out: Path, result: Backtest, dates: Sequence[str], seed: int) -> None:
    """Write the report as one page that needs no other file.

    Args:
        out: The HTML file.
        result: What the backtest found.
        dates: Of the snapshots, earliest first.
        seed: Of ties and resamples.
    """
    context = {
        "title": TITLE,
        "stamp": f"快照 {'、'.join(dates)}；起点 {dates[-2]}，结果 {dates[-1]}；随机种子 {seed}",
        "verdict": _verdict(result),
        "events": _events(result, dates),
        "parts": [_part(name, result) for name in PROTOCOLS],
        "best": grid(_best(result)),
        "relocation": _relocation(result),
        "dishonest": grid(pd.DataFrame(DISHONEST, columns=["做法", "后果（在同类数据上实测）"])),
        "leakage": grid(_leakage(result)),
        "counts": grid(_counts(result)),
    }
    write_page(out, "backtest.html", context, {}, [], single=True)


def _number(value: float | None, digits: int = 3) -> str:
    return "—" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.1f}%"


def _span(ends: Sequence[float] | None, digits: int = 3) -> str:
    return "—" if ends is None else f"{ends[0]:.{digits}f} 至 {ends[1]:.{digits}f}"


def _gain(found: Mapping[str, Any], name: str = "paired_gain") -> str:
    value = found.get(name)
    if value is None:
        return "—"
    low, high = found[f"{name}_interval"]
    return f"{value:+.3f}（{low:+.3f} 至 {high:+.3f}）"


def _sure(found: Mapping[str, Any]) -> str:
    """Whether the gain is beyond chance, in words."""
    ends = found.get("paired_gain_interval")
    if ends is None:
        return "无法判断"
    if ends[0] > 0:
        return "确有提升"
    return "明显更差" if ends[1] < 0 else "提升未超出随机波动"


def _verdict(result: Backtest) -> list[str]:
    entry, city = result.protocols["entry"], result.protocols["entry_within_city"]
    placed, firm = result.protocols["placement"], result.protocols["gap_to_firm"]
    return [
        f"空白预测：平均精度 {_number(entry['ap'])}（95% 区间 {_span(entry['ap_interval'])}），"
        f"基础比例 {_share(entry['base_rate'])}；前 500 名命中 {_share(entry['p500'])}。"
        f"相对“基线特征的逻辑回归”{_gain(entry)}：{_sure(entry)}。",
        f"城市内排序：前 10 名命中 {_share(city['hit10'])}，平均倒数排名 {_number(city['mrr'])}，"
        f"相对逻辑回归 {_gain(city)}：{_sure(city)}。",
        f"企业落地：平均倒数排名 {_number(placed['mrr'])}；六个最大城市以外前 10 名命中 "
        f"{_share(placed['hit10_outside_top6'])}；相对逻辑回归 {_gain(placed)}：{_sure(placed)}。",
        f"空白找企业：前 10 名命中 {_share(firm['hit10'])}，平均倒数排名 {_number(firm['mrr'])}，"
        f"相对随机 {_gain(firm)}：{_sure(firm)}。",
        "规模、势头和普遍度已经解释了大部分可预测的内容；名单用来确定先看哪里，不能当作预言。",
    ]


def _events(result: Backtest, dates: Sequence[str]) -> list[str]:
    counts = result.counts
    return [
        "这里的“事件”是一家公司上市：一家早已在本地经营的企业变得可见，不是一家新企业到来。"
        "因此回测检验的是“哪里有条件长出这样的企业”，不直接检验招商成败。",
        f"{dates[-2]} 有 {counts['start_firms']} 家，此后到 {dates[-1]} 新上市 "
        f"{counts['new_firms']} 家（城市和行业已知者）。模型只看起点及以前的上市公司，"
        "从起点以前的上市记录学习；起点之后才知道的收入和人数不用。",
        f"行业取自结果快照 {counts['backfilled_industry']} 家、文本 {counts['backfilled_text']} 家"
        "（标为 backfilled）：它们很少变化，但在起点之后退市的企业因此缺行业，未计入。",
        f"有 {counts['new_firms_in_unseen_cities']} 家新上市公司所在城市在起点没有任何上市公司，"
        "没有方法能指出它们；这些城市仍留在候选里，排在最后。",
        "区间由按城市重抽样 500 次得出；领先幅度在同一次重抽样里逐一相减；并列者按随机种子打散。",
    ]


def _part(name: str, result: Backtest) -> Part:
    found = result.protocols[name]
    title, text = PROTOCOLS[name]
    return Part(title, text, _base(name, found), _pictures(name, result), grid(_table(name, found)))


def _base(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    rate = _share(found["base_rate"])
    said = {
        "entry": f"候选 {found.get('candidates')} 个，成真 {found.get('positives')} 个，基础比例 {rate}。",
        "entry_within_city": f"{found.get('cities')} 个城市；其空白中平均 {rate} 成真。",
        "placement": f"{found.get('firms')} 家企业，其中 {found.get('outside_top6')} 家在六个最大城市以外；"
        f"随机排序前 10 名命中 {rate}。",
        "gap_to_firm": f"{found.get('gaps')} 个空白，候选合计 {found.get('candidates')} 家次，其中 {rate} 是答案。",
    }
    return (said[name],)


def _rows(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [("model", found), *((n, found["nulls"][n]) for n in RANKINGS if n in found["nulls"])]


def _figure(title: str, name: str, how: Callable[[float | None], str]) -> Columns:
    """A figure, and its interval."""
    return {
        title: lambda f: how(f[name]),
        f"{title}的 95% 区间": lambda f: _span(f[f"{name}_interval"]),
    }


def _ahead(title: str, name: str) -> Columns:
    """How far the model is ahead; nothing for the model itself."""
    return {f"本模型领先（{title}）": lambda f: "—" if "nulls" in f else _gain(f, name)}


#: Columns of the tables of the protocols that rank within groups.
_RANKED: Columns = {
    **_figure("前 10 命中", "hit10", _share),
    **_figure("平均倒数排名", "mrr", _number),
    **_ahead("倒数排名", "paired_gain"),
    **_ahead("命中", "paired_gain_hit10"),
}
#: Columns of each protocol's table, with what makes a cell of a ranking's figures.
TABLES: Mapping[str, Columns] = {
    "entry": {
        **_figure("平均精度", "ap", _number),
        **_figure("前 500 命中", "p500", _share),
        "AUC": lambda f: _number(f["auc"]),
        **_ahead("平均精度", "paired_gain"),
        **_ahead("前 500", "paired_gain_p500"),
    },
    "entry_within_city": _RANKED,
    "placement": {
        **_RANKED,
        **_figure("六大城市以外前 10 命中", "hit10_outside_top6", _share),
    },
    "gap_to_firm": _RANKED,
}


def _table(name: str, found: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"排序方法": RANKINGS[ranking], **{zh: cell(f) for zh, cell in TABLES[name].items()}}
            for ranking, f in _rows(found)
        ]
    )


def _curves(result: Backtest, protocol: str) -> list[Curve]:
    order = list(RANKINGS)
    found = [c for c in result.curves if c.protocol == protocol and c.depth]
    return sorted(found, key=lambda c: order.index(c.name))


def _pictures(name: str, result: Backtest) -> tuple[Markup, ...]:
    curves = _curves(result, name)
    if not curves:
        return ()
    if name == "entry":
        return _entry_pictures(curves, result.protocols["entry"]["base_rate"])
    series = [Series(c.name, RANKINGS[c.name], c.depth, c.recall) for c in curves]
    across = Axis("看前几名", (1, 5, 10, 15, 20), lambda v: f"{v:.0f}")
    up = percent_axis("命中比例", max(max(c.recall) for c in curves))
    title = PROTOCOLS[name][0]
    return (picture(chart(series, across, up, None), f"chart-{name}", f"{title}：命中曲线"),)


def _entry_pictures(curves: Sequence[Curve], base: float) -> tuple[Markup, ...]:
    most = max(max(c.precision) for c in curves)
    recall = Axis(
        "召回率（成真的找到了多少）", (0, 0.2, 0.4, 0.6, 0.8, 1.0), lambda v: f"{100 * v:.0f}%"
    )
    exact = [Series(c.name, RANKINGS[c.name], c.recall, c.precision) for c in curves]
    last = float(max(c.depth[-1] for c in curves))
    marks = [d for d in (10.0, 100.0, 1000.0, 10000.0) if d < last]
    depth = Axis("看前几名（对数）", (*marks, last), lambda v: f"{v:.0f}", logarithmic=True)
    pictures = [
        picture(
            chart(exact, recall, percent_axis("精度（前若干名的命中率）", most), base),
            "chart-precision-recall",
            "各排序方法的精度—召回曲线",
        )
    ]
    if base > 0 and marks:
        lift = [
            Series(c.name, RANKINGS[c.name], c.depth, [p / base for p in c.precision])
            for c in curves
        ]
        top = max(5.0, -(-most / base // 10) * 10)
        up = Axis(
            "提升倍数（精度 ÷ 基础比例）",
            tuple(top * i / 5 for i in range(6)),
            lambda v: f"{v:.0f}",
        )
        pictures.append(
            picture(chart(lift, depth, up, None), "chart-lift", "各排序方法的提升倍数曲线")
        )
    return tuple(pictures)


def _best(result: Backtest) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "名次": str(row["rank"]),
                "城市": row["city"],
                "行业": row["industry"],
                "此后新上市": f"{row['came']} 家" if row["came"] else "没有",
            }
            for row in result.best
        ],
        columns=["名次", "城市", "行业", "此后新上市"],
    )


def _relocation(result: Backtest) -> str:
    moved = result.relocation
    return (
        f"迁址：起点的 {moved['firms']} 家企业中有 {moved['relocated']} 家在结果快照里换了城市，"
        f"按“所在城市有多不寻常”排序的平均精度为 {_number(moved['ap'])}，基础比例 "
        f"{_share(moved['base_rate'])}。其中多为注册地变更和两份名单口径不同，不能用来预测搬迁；"
        "单个企业何时、向哪里搬迁，本程序不作预测。在省一级，没有方法胜过基线。"
    )


def _leakage(result: Backtest) -> pd.DataFrame:
    return pd.DataFrame(
        [{"检查": f["check"], "发现": str(f["count"]), "说明": f["detail"]} for f in result.leakage]
    )


#: What the counts are called.
COUNTS: Mapping[str, str] = {
    "start_firms": "起点快照的企业",
    "outcome_firms": "结果快照的企业（上市日期不晚于快照）",
    "new_firms": "起点之后上市、城市和行业已知",
    "new_without_date_or_listed_before_start": "起点没有、但日期缺失或早于起点，未作事件",
    "left_out_without_city_or_industry": "城市或行业未知，未用",
    "relocated": "两份快照城市不同",
    "delisted_before_start": "更早快照有、起点已无",
    "repeated_codes": "代码重复的行，取第一行",
    "unreadable_dates": "不能读出的日期，按未知",
    "backfilled_province": "省份取自结果快照",
    "backfilled_city": "城市取自结果快照",
    "backfilled_industry": "行业取自结果快照",
    "backfilled_text": "文本取自结果快照",
    "new_firms_in_unseen_cities": "新上市、所在城市起点没有任何企业",
    "new_firms_in_unseen_industries": "新上市、所属行业起点没有任何企业",
}


def _counts(result: Backtest) -> pd.DataFrame:
    return pd.DataFrame(
        [{"项目": COUNTS[name], "企业数": str(n)} for name, n in result.counts.items()]
    )
