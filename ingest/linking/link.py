"""Texts of enterprises into links to products, with role, confidence and the words they rest on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import words
from .buffer import Buffer, Flags, Integers
from .context import Industries, satisfied
from .grammar import Marks, mark
from .names import Names, build

MAKES, SELLS, SERVICES = "makes", "sells", "services"
#: Fields: a registered business scope, a sentence about the main business, a list of products.
SCOPE, MAIN, PRODUCTS = "scope", "main_business", "products"
COLUMNS = ("enterprise", "product", "role", "confidence", "field", "start", "end", "matched")
#: Links below this are not given.
MINIMUM = 0.7
#: Characters worked on at once; bounds the memory.
CHUNK = 4_000_000

_ROLES = np.array([MAKES, SELLS, SERVICES], dtype=object)
_MAKES, _SELLS, _SERVICES = range(3)
_NOT = np.array([ord(char) for char in "非无废旧仿假伪"], dtype=np.uint32)
#: What a link is worth where words stand before the term in its phrase, by the term's length.
_MODIFIED = np.array([0.0, 0.7, 0.86, 0.95, 0.98])
#: The same where the enterprise's industry does not make such products.
_STRANGE = np.array([0.0, 0.6, 0.72, 0.8, 0.9])


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
        found = [self._chunk(part, minimum) for part in _chunks(texts)]
        filled = [part for part in found if len(part)]
        if not filled:
            return _frame(np.zeros(0, dtype=np.int64), texts, *[np.zeros(0)] * 6)
        links = pd.concat(filled)
        return links.sort_index(kind="stable").reset_index(drop=True)

    def _chunk(self, texts: pd.DataFrame, minimum: float) -> pd.DataFrame:
        """Links of some texts, those of an enterprise one after the other; index: place of the text."""
        names = self.names
        raw = texts["text"].tolist()
        owner = texts["_owner"].to_numpy()
        buffer = Buffer.of(raw)
        start, end, term = names.matches(buffer.text)
        wanted = np.isin(owner, owner[buffer.row[start]])
        if wanted.mean() < 0.7:
            buffer, moved = buffer.only(wanted)
            start, end = moved[start], moved[end - 1] + 1
        marks = mark(buffer, start, end)
        kept = _phrases(names, buffer, marks, start, end, term)
        start, end, term = start[kept], end[kept], term[kept]
        kept = _outermost(start, end)
        start, end, term = start[kept], end[kept], term[kept]

        count = names.first[term + 1] - names.first[term]
        place = np.repeat(np.arange(len(term)), count)
        entry = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        entry += names.first[term][place]
        product = names.product[entry]
        row = buffer.row[start]
        industries = Industries.of(texts["industry"])
        which = industries.code[row][place]
        labels = texts.groupby(texts["_owner"])["industry"].first()
        holds = satisfied(
            names.needs,
            names.need[entry],
            np.searchsorted(labels.index.to_numpy(), owner[row])[place],
            buffer,
            np.searchsorted(labels.index.to_numpy(), owner),
            labels.tolist(),
        )
        field = texts["field"].to_numpy(dtype=object)
        scope, listed = (field == SCOPE)[row], (field == PRODUCTS)[row]
        fits = industries.fits[which, names.division[product]]
        trades = industries.trade[which]
        deals, makes = _habits(marks, buffer, owner)
        role, sure = _roles(
            names.service[product],
            marks.governing(start, end, scope, listed)[place],
            scope[place],
            trades | (~fits & (deals & ~makes)[row][place]),
            makes[row][place],
        )
        length = np.minimum(end - start, 4)
        strange = ~fits & ~trades & industries.known[which] & (names.division[product] > 0)
        confidence = names.weight[entry] * sure
        whole = marks.begins[start]
        confidence *= np.where(whole, 1.0, _MODIFIED[length])[place]
        confidence *= np.where(strange, np.where(whole, 0.88, _STRANGE[length])[place], 1.0)
        used = industries.uses(names.ids)[which, product]
        confidence = np.where(holds & ~used, confidence, 0.0)
        kept = confidence >= minimum
        place, role, confidence = place[kept], role[kept], confidence[kept]
        begin = buffer.origin[start[place]]
        stop = buffer.origin[end[place] - 1] + 1
        row = row[place]
        matched = np.array(
            [raw[r][b:e] for r, b, e in zip(row.tolist(), begin.tolist(), stop.tolist(), strict=True)],
            dtype=object,
        )
        return _frame(row, texts, names.ids[product[kept]], role, confidence, begin, stop, matched)


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


def _chunks(texts: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Parts of bounded size, each with all texts of its enterprises; the index is the row's place."""
    owner, _ = pd.factorize(texts["enterprise"])
    table = pd.DataFrame(
        {
            "enterprise": texts["enterprise"].to_numpy(dtype=object),
            "field": texts["field"].to_numpy(dtype=object),
            "text": texts["text"].fillna("").astype(str).to_numpy(dtype=object),
            "industry": texts["industry"].fillna("").astype(str).to_numpy(dtype=object)
            if "industry" in texts
            else "",
            "_owner": owner,
        }
    )
    if (np.diff(owner) < 0).any():
        table = table.sort_values("_owner", kind="stable")
    size = np.cumsum(table["text"].str.len().to_numpy(dtype=np.int64) + 1)
    part = pd.Series(size // CHUNK).groupby(table["_owner"].to_numpy()).transform("first")
    for _, rows in table.groupby(part.to_numpy(), sort=True):
        yield rows


def _frame(
    row: Integers,
    texts: pd.DataFrame,
    product: npt.NDArray[np.object_],
    role: Integers,
    confidence: npt.NDArray[np.float64],
    start: Integers,
    end: Integers,
    matched: npt.NDArray[np.object_],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "enterprise": texts["enterprise"].to_numpy(dtype=object)[row],
            "product": product,
            "role": _ROLES[role.astype(np.int64)],
            "confidence": confidence,
            "field": texts["field"].to_numpy(dtype=object)[row],
            "start": start.astype(np.int64),
            "end": end.astype(np.int64),
            "matched": matched,
        },
        index=texts.index[row],
        columns=list(COLUMNS),
    )


def _phrases(
    names: Names, buffer: Buffer, marks: Marks, start: Integers, end: Integers, term: Integers
) -> Flags:
    """Which terms mean a product and are the head of their phrase: 轮胎 is none in 轮胎模具."""
    codes = buffer.codes
    word = (codes < 128) & (((codes | 32) >= ord("a")) & ((codes | 32) <= ord("z")))
    word |= (codes >= ord("0")) & (codes <= ord("9"))
    joined = np.zeros(len(codes) + 1, dtype=np.bool_)
    joined[1:-1] = word[1:] & word[:-1] & ~buffer.gap[1:]
    kept = marks.ends[end] & (names.first[term + 1] > names.first[term])
    kept &= ~joined[start] & ~joined[end] & ~marks.excluded[start]
    before = np.maximum(start - 1, 0)
    return np.asarray(kept & (marks.begins[start] | ~np.isin(codes[before], _NOT)), dtype=np.bool_)


def _outermost(start: Integers, end: Integers) -> Integers:
    """Terms that are not part of a longer one, in the order of the text."""
    order = np.lexsort((-end, start))
    furthest = np.maximum.accumulate(end[order]) if len(order) else end
    outer = np.ones(len(order), dtype=np.bool_)
    outer[1:] = end[order][1:] > furthest[:-1]
    return np.asarray(order[outer], dtype=np.int64)


def _habits(marks: Marks, buffer: Buffer, owner: Integers) -> tuple[Flags, Flags]:
    """Whether an enterprise's texts speak of dealing, and of making or developing, by text."""
    does = np.zeros(int(owner.max(initial=-1)) + 1, dtype=np.int64)
    np.bitwise_or.at(does, owner[buffer.row[marks.verbs.start]], marks.verbs.bits)
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
