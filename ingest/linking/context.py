"""What an enterprise's industry and other words speak for: the divisions of GB/T 4754 it may work in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import words
from .buffer import Buffer, Flags, Integers

#: First and last division of the sections of GB/T 4754-2017.
_SECTIONS = {
    "A": (1, 5), "B": (6, 12), "C": (13, 43), "D": (44, 46), "E": (47, 50), "F": (51, 52),
    "G": (53, 60), "H": (61, 62), "I": (63, 65), "J": (66, 69), "K": (70, 70), "L": (71, 72),
    "M": (73, 75), "N": (76, 79), "O": (80, 82), "P": (83, 83), "Q": (84, 85), "R": (86, 90),
    "S": (91, 96), "T": (97, 97),
}  # fmt: skip
_CODE = re.compile(r"([A-T])?(\d{2})?\d{0,2}")
#: Behind what only is supplied: 工程机械、煤矿用油缸, 叉车等工业车辆变速箱.
_SUPPLIED = (
    r"(?:[、及和与/][^、,;:。()\n]{1,10})*?"
    r"(?:[、及和与/][^、,;:。()\n]{0,9}[^专商乘民军通家农医应使、]用(?!于)"
    r"|等[^、,;:。()\n和及与]*?(?:%s)(?:的|[、,;。()\n和及与]))"
)
#: Far enough to see either, in characters.
_AHEAD = 60
_TRADE = re.compile("批发|零售|贸易|商业|流通|经销|百货|超市")
_DIVISIONS = 100


@dataclass(frozen=True)
class Industries:
    """What is known of each distinct industry of a table; d of them.

    Attributes:
        code: Number of the industry of each row.
        fits: Whether a division of GB/T 4754 fits the industry, shape (d, 100); the division 0
            (unknown) fits none.
        known: Whether anything is known of the industry, shape (d,).
        trade: Whether it is wholesale or retail, shape (d,).
        labels: The industries.
    """

    code: Integers
    fits: npt.NDArray[np.bool_]
    known: Flags
    trade: Flags
    labels: list[str]

    def uses(self, users: dict[str, list[int]], which: Integers, product: Integers) -> Flags:
        """Whether industries name products that their own go into, without making them.

        Args:
            users: Such products, by industry.
            which: Numbers of industries.
            product: Numbers of products, one for each of ``which``.
        """
        used = np.zeros(len(which), dtype=np.bool_)
        for at, label in enumerate(self.labels):
            if label in users:
                used |= (which == at) & np.isin(product, users[label])
        return used

    @classmethod
    def of(cls, labels: pd.Series) -> Industries:
        """Read labels: GB/T 4754 codes, or names listed in ``industries.csv``, or "" if unknown."""
        code, distinct = pd.factorize(labels.astype("str").fillna(""))
        listed = {row["industry"]: row for row in words.table("industries")}
        fits = np.zeros((len(distinct), _DIVISIONS), dtype=np.bool_)
        trade = np.zeros(len(distinct), dtype=np.bool_)
        for at, label in enumerate(distinct):
            shape = _CODE.fullmatch(label.strip().upper())
            if label in listed:
                fits[at, [int(d) for d in listed[label]["divisions"].split(";")]] = True
                trade[at] = bool(listed[label]["trade"])
            elif shape and shape[2]:
                fits[at, int(shape[2])] = True
                trade[at] = shape[2] in ("51", "52")
            elif shape and shape[1]:
                low, high = _SECTIONS[shape[1]]
                fits[at, low : high + 1] = True
                trade[at] = shape[1] == "F"
            else:
                trade[at] = _TRADE.search(label) is not None
        return cls(code.astype(np.int64), fits, np.asarray(fits.any(axis=1)), trade, list(distinct))


@lru_cache(maxsize=1)
def _supplied() -> re.Pattern[str]:
    return re.compile(_SUPPLIED % "|".join(words.lists()["terms"]["parts"]))


def supplied(whole: Flags, end: Integers, text: str) -> Flags:
    """Whether the words behind a whole (a vehicle, a ship) say that only things for it are made.

    Args:
        whole: Whether each link is to a whole.
        end: Where its term ends in the text.
        text: The texts, normalised.
    """
    only = np.zeros(len(end), dtype=np.bool_)
    for at in np.flatnonzero(whole).tolist():
        place = int(end[at])
        only[at] = _supplied().match(text, place, place + _AHEAD) is not None
    return only


def satisfied(
    conditions: list[str],
    need: Integers,
    enterprise: Integers,
    buffer: Buffer,
    owner: Integers,
    industries: Industries,
) -> Flags:
    """Whether the words an entry needs stand somewhere in the enterprise's texts or industry.

    Args:
        conditions: Regular expressions.
        need: Number of each entry's condition, -1 for none.
        enterprise: Number of each entry's enterprise.
        buffer: The texts, those of an enterprise one after the other.
        owner: Enterprise of each text; never falls.
        industries: The industry of each text.
    """
    holds = need < 0
    asked = np.flatnonzero(~holds)
    if not len(asked):
        return holds
    pairs, back = np.unique(np.stack([need[asked], enterprise[asked]]), axis=1, return_inverse=True)
    first = np.searchsorted(owner, pairs[1])
    begin = np.searchsorted(buffer.row, first)
    end = np.searchsorted(buffer.row, np.searchsorted(owner, pairs[1], side="right"))
    answers = np.fromiter(
        (
            re.search(conditions[n], buffer.text[b:e] + industries.labels[industries.code[text]])
            is not None
            for n, text, b, e in zip(
                pairs[0].tolist(), first.tolist(), begin.tolist(), end.tolist(), strict=True
            )
        ),
        np.bool_,
        len(begin),
    )
    holds[asked] = answers[back.reshape(-1)]
    return holds
