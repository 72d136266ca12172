"""One pack's enterprises, and its references to enterprises, under their final ids."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import pandas as pd

from ...graph.work import Decision
from .resolve import Resolution, accepted_ids, resolve


class Identifier:
    """Renames what a pack says to the ids the enterprises go by.

    Args:
        known: What the other packs say of enterprises, rows with the columns of that table.
        decisions: What people decided.
    """

    def __init__(self, known: pd.DataFrame, decisions: Iterable[Decision] = ()) -> None:
        self._known = known
        self._decisions = tuple(decisions)
        self._renamed = dict(accepted_ids(self._decisions))
        self._own: set[str] = set()
        #: What was resolved; None where the pack has no enterprises.
        self.resolution: Resolution | None = None

    def enterprises(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The pack's enterprises under their final ids; a merged one keeps its own as an alias."""
        self.resolution = resolve(frame, self._known, self._decisions)
        own = frame["id"]
        final = self.resolution.ids.set_axis(frame.index)
        merged = (self.resolution.how != "").set_axis(frame.index) & (final != own)
        aliases = frame["aliases"].copy()
        aliases[merged] = with_alias(aliases[merged], own[merged])
        moved = final != own
        self._renamed.update(zip(own[moved], final[moved], strict=True))
        # Two rows of one pack may want one name; then the second keeps its own.
        self._renamed = {k: v for k, v in self._renamed.items() if k not in set(own[~moved])}
        self._own = set(final)
        return frame.assign(id=final, aliases=aliases)

    def follow(self, ids: pd.Series) -> pd.Series:
        """References to enterprises under the ids these go by now; unknown ones stay as they are."""
        found = ids
        if self._renamed:
            found = ids.map(lambda name: self._renamed.get(name, name), na_action="ignore")
        unknown = found.notna() & ~found.isin(self._own) & ~found.isin(self._known["id"])
        if not unknown.any():
            return found
        former = found[unknown].map(lambda name: self._former.get(name, name))
        return found.mask(unknown, former).astype("str")

    @cached_property
    def _former(self) -> dict[str, str]:
        """Ids that other packs gave to enterprises known under another id, from their aliases."""
        aliases = self._known.set_index("id")["aliases"].dropna().str.split(";").explode()
        pairs = aliases.reset_index().drop_duplicates()
        pairs = pairs[~pairs["aliases"].duplicated(keep=False)]
        return dict(zip(pairs["aliases"], pairs["id"], strict=True))


def with_alias(aliases: pd.Series, own: pd.Series) -> pd.Series:
    """List cells with one more value each, unless they have it."""
    padded = ";" + aliases.fillna("") + ";"
    held = [f";{name};" in cell for cell, name in zip(padded, own, strict=True)]
    longer = (aliases.fillna("") + ";" + own).str.strip(";")
    return aliases.where(pd.Series(held, index=aliases.index), longer).astype("str")
