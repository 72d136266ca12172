"""One pack's enterprises, and its references to enterprises, under their final ids."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cached_property

import pandas as pd

from ...graph.work import Decision
from .resolve import APART, Resolution, accepted_ids, resolve

#: An id that :func:`.resolve.resolve` put apart from another one, with the source's own id in it.
_APART = re.compile(rf"(?s)(.+){APART}(?:[2-9]|[1-9]\d+)")


class Identifier:
    """Renames what a pack says to the ids the enterprises go by.

    Args:
        known: What the other packs say of enterprises, rows with the columns of that table.
        decisions: What people decided.
        beside: What the pack itself says already, under the ids these enterprises go by, where only
            some of its rows come in.
        standing: The pack's own ids of those incoming rows that ``beside`` holds in an earlier form.
    """

    def __init__(
        self,
        known: pd.DataFrame,
        decisions: Iterable[Decision] = (),
        beside: pd.DataFrame | None = None,
        standing: Collection[str] = (),
    ) -> None:
        self._known = known
        self._decisions = tuple(decisions)
        self._beside, self._standing = beside, standing
        self._renamed = dict(accepted_ids(self._decisions))
        self._own: set[str] = set()
        self._apart: dict[str, str] = {}
        #: New ids of enterprises that ``beside`` holds under another one.
        self.moved: dict[str, str] = {}
        if beside is not None:
            self._own = set(beside["id"])
            matches = (_APART.fullmatch(name) for name in self._own)
            self._apart = {m[1]: m[0] for m in matches if m is not None}
            self._renamed |= self._apart
        #: What was resolved; None where the pack has no enterprises.
        self.resolution: Resolution | None = None

    def enterprises(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The pack's enterprises under their final ids; a merged one keeps its own as an alias."""
        own = frame["id"]
        before = self._before(own)
        beside = self._beside
        if beside is not None:
            beside = beside[~beside["id"].isin(set(before.values()))]
        self.resolution = resolve(frame, self._known, self._decisions, beside)
        final = self.resolution.ids.set_axis(frame.index)
        merged = (self.resolution.how != "").set_axis(frame.index) & (final != own)
        aliases = frame["aliases"].copy()
        aliases[merged] = with_alias(aliases[merged], own[merged])
        moved = final != own
        self._renamed.update(zip(own[moved], final[moved], strict=True))
        # Two rows of one pack may want one name; then the second keeps its own.
        self._renamed = {k: v for k, v in self._renamed.items() if k not in set(own[~moved])}
        self._own = set(final) if beside is None else {*final, *beside["id"]}
        now = dict(zip(own, final, strict=True))
        self.moved = {old: now[name] for name, old in before.items() if now[name] != old}
        return frame.assign(id=final, aliases=aliases)

    def _before(self, own: pd.Series) -> dict[str, str]:
        """Under which ids ``beside`` holds incoming enterprises, by their own ids."""
        if self._beside is None:
            return {}
        former = _former(self._beside)
        found = {}
        for name in own:
            held = self._apart.get(name, name)
            if held not in self._own and name in self._standing:
                held = former.get(name, self._renamed.get(name, name))
            if held in self._own:
                found[name] = held
        return found

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
        """Ids that packs gave to enterprises known under another id; the pack's own come first."""
        own = {} if self._beside is None else _former(self._beside)
        return {**_former(self._known), **own}


def _former(rows: pd.DataFrame) -> dict[str, str]:
    """Ids given up, with the id in their place: the aliases that one enterprise alone has."""
    aliases = rows.set_index("id")["aliases"].dropna().str.split(";").explode()
    pairs = aliases.reset_index().drop_duplicates()
    pairs = pairs[~pairs["aliases"].duplicated(keep=False)]
    return dict(zip(pairs["aliases"], pairs["id"], strict=True))


def with_alias(aliases: pd.Series, own: pd.Series) -> pd.Series:
    """List cells with one more value each, unless they have it."""
    padded = ";" + aliases.fillna("") + ";"
    held = [f";{name};" in cell for cell, name in zip(padded, own, strict=True)]
    longer = (aliases.fillna("") + ";" + own).str.strip(";")
    return aliases.where(pd.Series(held, index=aliases.index), longer).astype("str")
