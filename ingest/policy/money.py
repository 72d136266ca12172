"""Money and other tools: who gets what, and which instruments a notice names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .figures import Figure, figures
from .findings import Finding
from .text import Sentence

_GIVE = re.compile(
    r"给予|予以|奖励|补助|补贴|资助|奖补|补偿|贴息|扶持|支持资金|专项资金|安排|兑现|发放(?!的)"
)
#: Words of giving that say nothing of what is given.
_PLAIN = ("给予", "予以", "安排", "兑现", "发放")
#: Who gets it: behind 对, up to the next comma or word of giving.
_TO = re.compile(
    rf"(?:^|[，。；：、.和及与])(?:再)?对于?(?P<whom>[^，；。]{{2,80}}?)(?=，|；|。|(?:分别|各|按|一次性|再|可|将|均|每家|每个)*(?:{_GIVE.pattern})|$)"
)
_NUMBERING = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十\d]+[）)、.是]|第[一二三四五六七八九十\d]+条|其中|并|再|每年|[①-⑳])+"
)
_MODES = (
    ("一次性", "一次性"),
    ("最高", "最高"),
    ("不超过", "最高"),
    ("上限", "最高"),
    ("每年", "每年"),
    ("按年", "每年"),
)
_RATE = r"\d+(?:\.\d+)?%(?:\s*[-—–~～至]\s*\d+(?:\.\d+)?%)?"
_BASIS = re.compile(rf"按(?:照)?(?P<of>[^，；。]{{2,30}}?)(?:给予|予以)?的?(?P<rate>{_RATE})")
_FOR = re.compile(r"用于(?P<use>[^，；。]{2,40})")
#: Figures that say who qualifies, or how large a fund is, and not what is given.
_CONDITION = re.compile(
    r"^(?:及?以上|以下|以内|、\d[^，；。]*?)?(?:[（(][^）)]*[）)])?(?:的|[^，；。给奖补资]{0,8}(?:项目|企业|机构)，)"
)
_FUND = re.compile(
    r"(?:规模|总额|资本|投资额?(?:达到?|超过)|收入(?:首次)?(?:达到?|超过|突破)|产值(?:首次)?(?:达到?|超过|突破))[^，；。给奖补]{0,4}$"
)
#: Tools, by kind, in the words notices write them with.
_TOOLS = (
    (
        "investment",
        r"中央预算内[^，；。]{0,8}?投资(?:补助)?|中央预算内|[省市]预算内投资(?:补助)?|投资专项|[省市]级?专项债券?",
    ),
    (
        "subsidy",
        r"财政性?专项资金|专项资金(?:支持)?|后补助|贷款贴息|财政贴息|财政补助|"
        r"首台\(?（?套\)?）?[^，；。]{0,12}(?:奖励|补助|保险)|对基金管理人给予奖励",
    ),
    ("priority", r"(?:优先)?纳入[^，；。]{2,20}?(?:储备库|项目库|重点项目清单|重大项目清单)"),
    (
        "credit",
        r"信贷支持|信贷创新产品|知识产权质押(?:融资)?|融资租赁|风险补偿(?:资金池|机制)?|融资担保|"
        r"银企合作[^，；。]{0,8}融资|供应链金融|产业链金融|科技信贷|信用贷款|股权质押|政银合作示范集群项目",
    ),
    ("equity", r"股权投资支持|投贷联动|基金招商|直接融资"),
    ("listing", r"上市后备企业"),
    ("tax", r"研发费用加计扣除|税收优惠|税费减免|所得税减[免按]|增值税留抵退税"),
    ("land", r"用地指标|用地保障|标准地|工业用地[^，；。]{0,8}?(?:出让|供应)|能耗指标|用能保障"),
    ("research", r"揭榜挂帅|赛马制|关键核心技术攻关|协同攻关"),
    ("review", r"定期评估和淘汰更新机制|动态调整机制|督导检查机制|末位淘汰|淘汰更新机制"),
    ("attraction", r"资源分布图|招商攻坚图|产业链招商|以商招商|链长制|“?链主”?企业招商"),
)
#: Kinds of tools with the words an officer reads.
TOOLS = {
    "investment": "预算内投资",
    "subsidy": "财政补助",
    "priority": "优先入库",
    "credit": "金融信贷",
    "equity": "股权融资",
    "listing": "上市培育",
    "tax": "税费优惠",
    "land": "要素保障",
    "research": "科研攻关",
    "review": "考核评估",
    "attraction": "招商方式",
}


def supports(sentence: Sentence) -> Iterator[Finding]:
    """What is given to somebody: 对…给予1000万元, 每家奖励50万元, 按投资额的10%给予最高500万元补助.

    Money where an amount is given; where only a rate is, the rate.
    """
    text = sentence.text
    given = [f for f in figures(text) if f.unit in ("CNY", "USD") and _is_given(text, f)]
    if not given:
        given = [f for f in figures(text) if f.unit == "%" and _is_given(text, f)]
    first = text[: given[0].start] if given else ""
    together = _recipients(first) if re.search("分别|各", first[-30:]) else []
    for order, figure in enumerate(given):
        start = given[order - 1].end if order else 0
        end = _clause_end(text, figure.end)
        clause = re.split("[，；：]", text[start : figure.start])[-1]
        near = "，".join(re.split("[，；：]", text[start : figure.start])[-2:])
        modes = [m for word, m in _MODES if word in clause]
        rate = figure.stated if figure.unit == "%" else ""
        basis, use = _BASIS.search(near + rate), _FOR.search(text[figure.end :])
        if basis and figure.unit != "%":
            modes.insert(0, f"按{basis['of']}的{basis['rate']}")
        elif basis:
            modes.insert(0, f"按{basis['of']}")
        whom = together[order] if len(together) == len(given) else ""
        yield Finding(
            "support",
            _what(text[figure.end : end], text[: figure.start])
            + (f"，用于{use['use']}" if use else ""),
            sentence.section,
            text,
            stated=figure.stated,
            low=figure.low,
            high=figure.high,
            unit=figure.unit,
            mode="、".join(dict.fromkeys(modes)),
            whom=whom or _whom(text[start : figure.start]) or _whom(text[: figure.start]),
        )


def _clause_end(text: str, start: int) -> int:
    return min((p for p in (text.find(m, start) for m in "，；。") if p >= 0), default=len(text))


def _is_given(text: str, figure: Figure) -> bool:
    """Whether an amount is given, and does not say who qualifies or how large something is."""
    before, behind = text[: figure.start], text[figure.end : _clause_end(text, figure.end)]
    if _FUND.search(before[-16:]) or re.match(r"(?:以上)?的?[^，；。、]{0,16}基金", behind):
        return False
    near = "，".join(re.split("[，；：]", before)[-2:])
    clause = re.split("[，；：]", before)[-1]
    # A rate that an amount caps is told with the amount; a condition stands before the giving.
    if _GIVE.search(clause):
        return not _CONDITION.match(text[figure.end :]) or bool(_GIVE.search(behind))
    if _GIVE.search(behind):
        return not re.search(
            r"^[^，；。]*?的(?!(?:一次性)?(?:奖励|补助|补贴|资助|奖补|补偿))", behind
        )
    return bool(_GIVE.search(near)) and bool(re.search("最高|不超过|上限|每家|每个|累计", clause))


def _what(behind: str, before: str) -> str:
    """What is given: the last word of giving behind the amount, else before it."""
    hits = [m[0] for m in _GIVE.finditer(behind)] + [m[0] for m in _GIVE.finditer(before)][::-1]
    return next((word for word in hits if word not in _PLAIN), "资金支持")


def _whom(text: str) -> str:
    """Who gets it: behind 对, else the clause that ends like a condition, else the last one."""
    parts = re.split("[；。]", text)
    found = list(_TO.finditer(parts[-1]))
    if found:
        return found[-1]["whom"]
    clauses = [_NUMBERING.sub("", c) for c in re.split("[，：]", parts[-1])]
    conditions = [c for c in clauses if c.endswith("的") and len(c) >= 4 and "按" not in c]
    if conditions:
        return conditions[-1]
    ends = rf"(?:(?:每年|累计|分别|各|按|一次性|最高|不超过|可|将|{_GIVE.pattern})+)$"
    for clause in reversed(clauses):
        plain = re.sub(ends, "", clause)
        if len(plain) >= 4 and not plain.startswith(("按", "用于")):
            return plain
    return ""


def _recipients(text: str) -> list[str]:
    """Who gets the amounts behind 分别, in order: 对国家级、省级企业分别给予."""
    parts = [p for p in _whom(text).split("、") if p]
    if len(parts) < 2:
        return []
    # What all have in common stands before the first and behind the last.
    tail = re.search(r"(?:级|类|档|等|元|家|%)(?P<common>[^级类档等元家%]+)$", parts[-1])
    head = re.match(r"(?P<common>\D*)\d", parts[0])
    common = tail["common"] if tail else ""
    begun = head["common"] if head else ""
    return [
        (begun if n and p[0].isdigit() else "") + p + ("" if p.endswith(common) else common)
        for n, p in enumerate(parts)
    ]


def instruments(sentence: Sentence) -> Iterator[Finding]:
    """Tools a sentence names, each once."""
    seen: set[str] = set()
    for code, pattern in _TOOLS:
        for match in re.finditer(pattern, sentence.text):
            name = match[0].strip("“”")
            if name not in seen:
                seen.add(name)
                yield Finding("instrument", name, sentence.section, sentence.text, code=code)
