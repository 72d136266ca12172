"""Goals: what shall be reached, how much of it, by when."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .figures import Figure, figures, years
from .findings import Finding
from .text import Sentence

#: Words before a figure that make it a goal, with how it is meant; the first that fits counts.
_MODES = (
    (r"已(?:经)?(?:认定|建成|培育|形成|拥有|有)|现有|目前|已认定的", "现有"),
    (r"(?:年均|每年)(?:复合)?(?:增长|增速|递增)", "年均增长"),
    (r"不(?:低于|少于)", "不低于"),
    (r"控制在|不(?:超过|高于)", "不超过"),
    (r"压减|(?:下降|降低|减少)(?:到|至)?", "下降"),
    (r"(?:增长|提高|提升|增加(?!值))(?:到|至)", "达到"),
    (r"增长|提高|提升|增加(?!值)", "增长"),
    (r"每年", "每年"),
    (r"达到|达|超过|突破|保持在?|稳定在|占比?为?|完成|实现|带动|吸纳|力争", "达到"),
    (
        r"(?:新)?(?:培育|认定|增(?!加|长)|建成?|引进|招引|引育|设立|组建|打造|形成|创建|布局|遴选|实施|推进|推动|攻克|"
        r"制定|组织|开展|落地|落户|聚集|集聚|培养|建设|支持|争取|孵化|开通|发布|推广|申报|入选|选派|举办|做强|做大|壮大)",
        "新增",
    ),
)
_VERB = re.compile("|".join(f"(?:{pattern})" for pattern, _ in _MODES))
#: Units of what is measured rather than counted: what is measured stands before them.
_MEASURES = ("倍", "番", "%", "个百分点", "CNY", "USD")
#: Words at the ends that are no part of what is measured.
_LEAD = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十\d]+[）)、.]|力争|争取|确保|努力|其中|并|且|使|到|至|在|再|新|约|累计|总共|共|全面|大力|"
    r"加快|积极|每年|每|年|[一二三四五六七八九十\d]+年(?:时间)?|用|经过努力|以上|左右|基础上|的|与|和|及|将|让|"
    r"20\d{2}年(?:底|末)?|前|底|末|以来|“?十[三四五]五”?(?:期间|时期|末)?|期间|举办|围绕[^，]{1,10}?(?=组织)|滚动)+"
)
_TRAIL = re.compile(
    r"(?:力争|争取|确保|分别|均|已|将|要|总数|累计|也|都|占比?|的|年均|每年|达|约|再|翻|由[^，]*|从[^，]*)+$"
)
#: What a growth is compared with, behind what is measured.
_BASE = re.compile(r"(?:比(?!重|例|率|值)|较|相比)[^，]{0,16}$")
_REACH = re.compile(
    r"(?:比(?!重|例|率|值)|较)[^，]*?(?=增长|提高|提升|下降|翻)|(?<!大)(?:达到|达(?!标)|超过|突破|增长(?!率|极)|提高|提升|"
    r"保持在?|稳定在|控制在|不低于|不少于|不超过|下降|降低|翻|占比?(?=\d)|完成|实现)"
)
_AFTER = re.compile(
    r"^(?:左右|及?以上|以内|以下|余)*(?:的)?(?P<object>[^，。；：、（）()\d]{2,40})"
)
_STOP_OBJECT = re.compile(
    r"(?:落户|落地|达到|用于|给予|以上|左右|并|等(?!级)|且|超过|增长|分别|的基础|综合竞争力).*$"
)
#: Nouns that end what is counted, unless more of the same kind follows.
_HEAD = re.compile(
    r"(?:集群|企业|平台|中心|项目|基地|园区|实验室|工厂|车间|标准|专利|院所)"
    r"(?!和|与|及|、|主|园|群|[一-鿿]{0,4}?(?:集群|企业|平台|中心|项目|基地|名单|目录|库)|进入|入选|纳入)"
)
_GIVEN = re.compile(r"给予|予以|奖励|补助|补贴|资助|奖补|补偿|贴息|扶持资金|专项资金|注册资本")
#: Figures that are no goal: 一个, 一批; and sizes of what is counted (十亿元以上项目).
_IDLE = re.compile(r"^[一两](?:个|种|项|类|支|名|家|座|条|户|场|台|件|套|处|所)$")
_SIZE_OF = re.compile(r"^(?:级|以上(?:的)?(?:[一-鿿]{0,8}?(?:项目|企业|产业|集群|园区)))")


def goals(sentence: Sentence) -> Iterator[Finding]:
    """Goals of a sentence. Money that is given to somebody is none, see :mod:`.money`."""
    text = sentence.text
    given = bool(_GIVEN.search(text))
    by_now = bool(re.search("目前|现有", text))
    subject, mode, before = "", None, None
    for figure in figures(text):
        start = max(text.rfind(mark, 0, figure.start) for mark in "，。；：（(") + 1
        listed = before is not None and re.match("[^，。；]{0,3}、", text[before.end :]) is not None
        if listed and before is not None and before.end >= start:
            # 新建实验室8家、研究中心3个: each figure has its own noun, the verb counts for all.
            start = text.index("、", before.end) + 1
        clause, rest = text[start : figure.start], text[figure.end :]
        own = _mode(clause, figure)
        mode = own or (mode if listed else None)
        before = figure
        measures = figure.unit in _MEASURES
        if mode is None or _IDLE.match(figure.stated) or (given and measures):
            continue
        if _GIVEN.search(clause) or (figure.unit in ("CNY", "USD") and _SIZE_OF.match(rest)):
            continue
        if figure.unit in ("CNY", "USD") and re.match("[^，。；]{0,24}基金", rest):
            continue  # how large a fund is
        if re.match(r"(?:左右)?(?:提高|提升|增加|增长|降低|下降)(?:到|至)", rest):
            continue  # where it comes from: 由35%提高到60%
        name = _between(clause) if own else clause
        if measures:
            subject = _subject(clause) or subject or _subject(_clause_before(text, start))
            name = name if len(name) >= 2 else subject
        else:
            name = _counted(rest) or name or _subject(clause)
        name = _trimmed(name)
        if len(name) >= 2:
            yield Finding(
                "goal",
                name,
                sentence.section,
                text,
                stated=figure.stated,
                low=figure.low,
                high=figure.high,
                unit=figure.unit,
                year=_year(sentence, figure),
                mode="现有" if by_now and mode in ("达到", "新增") else mode,
            )


def _mode(clause: str, figure: Figure) -> str | None:
    """How a figure is meant, by the last word before it that makes it a goal; None for none."""
    if figure.unit == "番":
        return "翻番"
    hits = list(_VERB.finditer(clause))
    if not hits:
        return None
    mode = next(name for pattern, name in _MODES if re.fullmatch(pattern, hits[-1][0]))
    if mode == "新增" and re.search(r"已(?:经)?$", clause[: hits[-1].start()]):
        return "现有"
    return "每年" if mode == "新增" and re.search("每年|年度", clause) else mode


def _year(sentence: Sentence, figure: Figure) -> int | None:
    """The last year before a figure; years that something is compared with do not count."""
    text = sentence.lead + sentence.text
    at = len(sentence.lead) + figure.start
    past = [
        year
        for position, year in years(text)
        if position < at and not re.search("[比较于]$", text[:position])
    ]
    return past[-1] if past else None


def _clause_before(text: str, start: int) -> str:
    return re.split("[，。；：]", text[: max(0, start - 1)])[-1]


def _between(clause: str) -> str:
    """What stands between the verb and the figure: 完成|工业投资|5000亿元."""
    found = clause[list(_VERB.finditer(clause))[-1].end() :] if _VERB.search(clause) else clause
    return _trimmed(found)


def _counted(rest: str) -> str:
    """The noun behind a figure and the word it is counted with."""
    behind = _AFTER.match(rest)
    if behind is None:
        return ""
    found = _STOP_OBJECT.sub("", behind["object"])
    head = _HEAD.search(found)
    return (found[: head.end()] if head else found).strip("的“”")


def _subject(clause: str) -> str:
    """What grows or reaches something: the words before the first verb of reaching."""
    reach = _REACH.search(clause)
    return _trimmed(_BASE.sub("", clause[: reach.start()])) if reach else ""


def _trimmed(name: str) -> str:
    previous = None
    while previous != name:
        previous, name = name, _TRAIL.sub("", _LEAD.sub("", name))
    return name
