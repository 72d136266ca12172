"""Texts of enterprises into links to products, with role, confidence and the words they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import words
from .buffer import Buffer, Flags, Integers
from .context import Industries, satisfied, supplied
from .grammar import Marks, mark
from .names import Names, build
from .shared import completed, promising

MAKES, SELLS, SERVICES = "makes", "sells", "services"
#: Fields: a registered business scope, a sentence about the main business, a list of products.
SCOPE, MAIN, PRODUCTS = "scope", "main_business", "products"
COLUMNS = ("enterprise", "product", "role", "confidence", "field", "start", "end", "matched")
#: Links below this are not given.
MINIMUM = 0.7
#: Characters worked on at once: few enough for the arrays to stay in the cache of a processor.
CHUNK = 400_000
#: Share of texts with a match below which the others are left out before they are read.
WORTHWHILE = 0.7

_ROLES = pd.Series([MAKES, SELLS, SERVICES], dtype="str")
_MAKES, _SELLS, _SERVICES = range(3)
_NOT = np.array([ord(char) for char in "非无废旧仿假伪"], dtype=np.uint32)
#: Before a chemical name these make another compound of it: 聚乙二醇 is no 乙二醇.
_RADICALS = np.array(
    [
        ord(char)
        for char in "聚亚过偏次多单双二三四五六甲乙丙丁戊己苯氯氟溴碘硝磺氨羟羧酰环异正甘酮酸"
    ],
    dtype=np.uint32,
)
_COMPOUNDS = np.array(
    [ord(char) for char in "醇酸酯酮胺烯烷苯酚醛醚腈脲钠钾钙镁锂铵盐"], dtype=np.uint32
)
_LATIN = np.array([chr(code).isalnum() for code in range(128)])
#: What a link is worth where words stand before the term in its phrase, by the term's length.
_MODIFIED = np.array([0.0, 0.7, 0.86, 0.95, 0.98])
#: The same where the enterprise's industry does not make such products.
_STRANGE = np.array([0.0, 0.6, 0.72, 0.8, 0.9])
#: The same where no words stand before it.
_ODD = 0.88


class Linker:
    """A dictionary of products, ready to read texts.

    Args:
        products: Columns ``id``, ``name`` and, if known, ``aliases`` and ``gb_code``, as in a pack.
        narrower: Columns ``term`` and ``product``: kinds of a product (产品小类).
    """

    def __init__(self, products: pd.DataFrame, narrower: pd.DataFrame | None = None) -> None:
        self.names: Names = build(products, narrower)

    def link(self, texts: pd.DataFrame, minimum: float = MINIMUM) -> pd.DataFrame:
        """Find the products of a table of texts.

        Args:
            texts: Columns ``enterprise``, ``field`` (``scope``, ``main_business`` or ``products``;
                others are read as ``main_business``), ``text`` and, if known, ``industry``
                (GB/T 4754 code or name; missing is unknown).
            minimum: Smallest confidence of a link, 0..1.

        Returns:
            One row for each place that names a product, with the columns :data:`COLUMNS`, in the
            order of the texts; ``start`` and ``end`` are positions in the text as it was given, and
            ``matched`` is what stands there.
        """
        table = _Texts.of(texts)
        found = [self._read(part, minimum) for part in table.parts()]
        row, product, role, confidence, start, end = (
            np.concatenate(column) for column in list(zip(*found, strict=True))[:-1]
        )
        matched = pd.concat([part[-1] for part in found], ignore_index=True)
        order = np.argsort(row * (int(start.max(initial=0)) + 1) + start, kind="stable")
        row = row[order]
        return pd.DataFrame(
            {
                "enterprise": texts["enterprise"].take(row).reset_index(drop=True),
                "product": self.names.ids.take(product[order]).reset_index(drop=True),
                "role": _ROLES.take(role[order]).reset_index(drop=True),
                "confidence": confidence[order].astype(np.float64),
                "field": texts["field"].take(row).reset_index(drop=True),
                "start": start[order],
                "end": end[order],
                "matched": matched.take(order).reset_index(drop=True),
            },
            columns=list(COLUMNS),
        )

    def _read(self, texts: _Texts, minimum: float) -> _Found:
        """Links of some texts: text, product, role, confidence, start, end, matched of each."""
        names, owner, industries = self.names, texts.owner, texts.industries
        buffer = Buffer.of(texts.raw.tolist())
        start, end, term = names.matches(buffer.text)
        named = np.zeros(int(owner.max(initial=0)) + 1, dtype=np.bool_)
        named[owner[buffer.row[start]]] = True
        wanted = named[owner]
        if wanted.sum() < WORTHWHILE * len(wanted):
            named[owner[promising(names, buffer)]] = True
            wanted = named[owner]
            buffer, moved = buffer.only(wanted)
            start, end = moved[start], moved[end - 1] + 1
        marks = mark(buffer, start, end)
        kept = _phrases(names, buffer, marks, start, end, term)
        start, end, term = start[kept], end[kept], term[kept]
        outer = _outermost(start, end)
        start, end, term = start[outer], end[outer], term[outer]
        more = completed(names, buffer, marks, end, texts.listed)
        # What a bracket's item means when completed, it does not mean by itself: 电池(磷酸铁锂).
        other = marks.noted[end - 1]
        other[other] = np.isin(end[other], more[1])
        start, end, term = (
            np.concatenate([own[~other], joined])
            for own, joined in zip((start, end, term), more, strict=True)
        )

        count = names.first[term + 1] - names.first[term]
        place = np.repeat(np.arange(len(term)), count)
        entry = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        entry += names.first[term][place]
        product, row = names.product[entry], buffer.row[start]
        which = industries.code[row][place]
        scope, listed = texts.scope[row], texts.listed[row]
        fits = industries.fits[which, names.division[product]]
        trades = industries.trade[which]
        deals, makes = _habits(marks, buffer, owner, texts.listed)
        role, sure = _roles(
            names.service[product],
            marks.governing(start, end, scope, listed)[place],
            scope[place],
            trades | (~fits & (deals & ~makes)[row][place]),
            makes[row][place],
        )
        length = np.minimum(end - start, 4)
        strange = ~fits & ~trades & industries.known[which] & (names.division[product] > 0)
        whole = marks.begins[start]
        confidence = names.weight[entry] * sure
        confidence *= np.where(whole, 1.0, _MODIFIED[length])[place]
        confidence *= np.where(strange, np.where(whole, _ODD, _STRANGE[length])[place], 1.0)
        kept = (confidence >= minimum) & ~industries.uses(names.users, which, product)
        kept &= ~supplied(kept & names.whole[product], end[place], buffer.text)
        kept &= satisfied(
            names.needs,
            np.where(kept, names.need[entry], -1),
            owner[row][place],
            buffer,
            owner,
            industries,
        )
        place = place[kept]
        return (
            texts.place[row[place]],
            product[kept],
            role[kept],
            confidence[kept],
            *buffer.given(start[place], end[place]),
        )


_Found = tuple[Integers, Integers, Integers, npt.NDArray[np.float64], Integers, Integers, pd.Series]


@dataclass(frozen=True)
class _Texts:
    """Texts as arrays of the same length, those of an enterprise one after the other.

    Attributes:
        place: Row of the table each text stands in.
        raw: The texts. As a column they take a fraction of the room of Python's own.
        owner: Number of each text's enterprise; never falls.
        scope: Whether each is a business scope.
        listed: Whether each is a list of products.
        industries: The industry of each.
    """

    place: Integers
    raw: pd.Series
    owner: Integers
    scope: Flags
    listed: Flags
    industries: Industries

    @classmethod
    def of(cls, texts: pd.DataFrame) -> _Texts:
        place = np.arange(len(texts))
        owner = pd.factorize(texts["enterprise"], use_na_sentinel=False)[0].astype(np.int64)
        field = texts["field"]
        labels = texts["industry"] if "industry" in texts else pd.Series("", index=texts.index)
        return cls(
            place,
            texts["text"].astype("str").fillna(""),
            owner,
            np.asarray(field == SCOPE, dtype=np.bool_),
            np.asarray(field == PRODUCTS, dtype=np.bool_),
            Industries.of(labels),
        )

    def take(self, rows: Integers) -> _Texts:
        return _Texts(
            self.place[rows],
            self.raw.take(rows),
            self.owner[rows],
            self.scope[rows],
            self.listed[rows],
            replace(self.industries, code=self.industries.code[rows]),
        )

    def parts(self) -> Iterator[_Texts]:
        """Parts of bounded size, each with all texts of its enterprises."""
        size = self.raw.str.len().to_numpy(dtype=np.int64) + 1
        grouped = bool((np.diff(self.owner) >= 0).all())
        if grouped and size.sum() <= CHUNK:
            yield self
            return
        order = np.argsort(self.owner, kind="stable")
        owner, chunk = self.owner[order], np.cumsum(size[order]) // CHUNK
        first = np.searchsorted(owner, owner)
        for number in np.unique(chunk[first]):
            yield self.take(order[chunk[first] == number])


def link(
    texts: pd.DataFrame,
    products: pd.DataFrame,
    narrower: pd.DataFrame | None = None,
    minimum: float = MINIMUM,
) -> pd.DataFrame:
    """Find the products of a table of texts; see :class:`Linker` and :meth:`Linker.link`."""
    return Linker(products, narrower).link(texts, minimum)


def strongest(links: pd.DataFrame) -> pd.DataFrame:
    """One link for each enterprise and product: the surest; makes before sells before services."""
    order = links["role"].map({role: at for at, role in enumerate(_ROLES)})
    ranked = links.assign(_order=order).sort_values(
        ["confidence", "_order"], ascending=[False, True], kind="stable"
    )
    best = ranked.drop_duplicates(["enterprise", "product"]).sort_index()
    return best.drop(columns="_order").reset_index(drop=True)


def _phrases(
    names: Names, buffer: Buffer, marks: Marks, start: Integers, end: Integers, term: Integers
) -> Flags:
    """Which terms mean a product and are the head of their phrase: 轮胎 is none in 轮胎模具."""
    kept = marks.ends[end] & (names.first[term + 1] > names.first[term]) & ~marks.excluded[start]
    left = np.flatnonzero(kept)
    start, end = start[left], end[left]
    before = buffer.codes[np.maximum(start - 1, 0)]
    other = np.isin(before, _NOT)
    radical = np.flatnonzero(np.isin(before, _RADICALS))
    other[radical] |= np.isin(buffer.codes[end[radical] - 1], _COMPOUNDS)
    kept[left] = ~_within(buffer, start) & ~_within(buffer, end)
    kept[left] &= marks.begins[start] | ~other
    return kept


def _within(buffer: Buffer, place: Integers) -> Flags:
    """Whether each place is inside a word of Latin letters and digits."""
    after = buffer.codes[np.minimum(place, len(buffer.codes) - 1)]
    before = buffer.codes[np.maximum(place - 1, 0)]
    inside = (place > 0) & (after < 128) & (before < 128)
    which = np.flatnonzero(inside)
    inside[which] = _LATIN[after[which]] & _LATIN[before[which]] & ~buffer.gap[place[which]]
    return np.asarray(inside, dtype=np.bool_)


def _outermost(start: Integers, end: Integers) -> Integers:
    """Terms that are not part of a longer one, in the order of the text."""
    order = np.lexsort((-end, start))
    furthest = np.maximum.accumulate(end[order]) if len(order) else end
    outer = np.ones(len(order), dtype=np.bool_)
    outer[1:] = end[order][1:] > furthest[:-1]
    return np.asarray(order[outer], dtype=np.int64)


def _habits(marks: Marks, buffer: Buffer, owner: Integers, listed: Flags) -> tuple[Flags, Flags]:
    """Whether an enterprise speaks of dealing, and of making or developing, by text.

    Verbs in a list of products speak for their own item only and are left out.
    """
    text = buffer.row[marks.verbs.start]
    said = ~listed[text]
    does = np.zeros(int(owner.max(initial=-1)) + 1, dtype=np.int64)
    np.bitwise_or.at(does, owner[text[said]], marks.verbs.bits[said])
    deals = (does & words.TRADE) != 0
    makes = (does & (words.MAKE | words.RESEARCH)) != 0
    return np.asarray(deals[owner], dtype=np.bool_), np.asarray(makes[owner], dtype=np.bool_)


def _roles(
    service: Flags, bits: Integers, scope: Flags, trades: Flags, contrast: Flags
) -> tuple[Integers, npt.NDArray[np.float64]]:
    """Role of each link and how sure the words make it.

    Args:
        service: Whether the product is a service: who provides it, makes it.
        bits: What the governing verbs do.
        scope: Whether the text is a business scope: what no verb governs is as a rule sold.
        trades: Whether the enterprise rather sells what its texts only name.
        contrast: Whether its texts say of anything that it is made: then what they say is sold is
            not made. A maker that speaks only of sales means its own products.
    """
    make = (bits & words.MAKE) != 0
    research = (bits & words.RESEARCH) != 0
    sell = (bits & words.SELL) != 0
    trade = (bits & words.TRADE) != 0
    serve = (bits & words.SERVE) != 0
    rows = [
        (make, _MAKES, 1.0),
        (research & (sell | trade), _MAKES, 0.97),
        (service & (research | serve), _MAKES, 0.97),
        (trade, _SELLS, 1.0),
        (sell & (scope | trades | contrast), _SELLS, 1.0),
        (sell, _MAKES, 0.85),
        (research & ~scope, _MAKES, 0.9),
        (serve | research, _SERVICES, 0.95),
        (service, _MAKES, 0.95),
        (scope | trades, _SELLS, 0.85),
    ]
    conditions = [condition for condition, _, _ in rows]
    role = np.select(conditions, [role for _, role, _ in rows], default=_MAKES)
    sure = np.select(conditions, [sure for _, _, sure in rows], default=0.95)
    return np.asarray(role, dtype=np.int64), np.asarray(sure, dtype=np.float64)
