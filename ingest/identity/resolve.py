"""Which of the enterprises that come in are known already, and under which id they go on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...graph.work import Decision
from .keys import MATCHES, Keyed, agreements, keyed
from .near import COLUMNS, SHOWN, describe, near_matches, undecided

#: Stands between the id of an enterprise and a number, where another one has the id already.
APART = "~"


@dataclass(frozen=True)
class Resolution:
    """Where the enterprises of one source belong.

    Attributes:
        ids: Final id by incoming id. No two incoming ids have the same one.
        how: By incoming id, the key that decided (see :data:`keys.MATCHES`); "" where it is new.
    """

    ids: pd.Series
    how: pd.Series
    _taken: npt.NDArray[np.object_] = field(repr=False)
    _incoming: Keyed = field(repr=False)
    _known: Keyed = field(repr=False)
    _doubts: pd.DataFrame = field(repr=False)
    _decisions: tuple[Decision, ...] = field(repr=False)

    def counts(self) -> Mapping[str, int]:
        """Enterprises that are one with a known one, by the key that decided."""
        found = self.how[(self.how != "").to_numpy()].value_counts()
        return {match: int(found[match]) for match in MATCHES if match in found}

    @cached_property
    def review(self) -> pd.DataFrame:
        """Pairs that may be one enterprise, for people to decide; best first.

        Returns:
            Columns keep (known id), other (final id of the incoming one), keep_name, other_name,
            reason (see :data:`near.REASONS`) and score (0..1: how alike the names are, lower where
            places differ). Pairs already decided are left out.
        """
        new = np.zeros(len(self._incoming), dtype=np.bool_)
        new[: len(self.how)] = self.how == ""
        near = near_matches(self._incoming, self._known, new)
        found = describe(pd.concat([self._doubts, near]), self._incoming, self._known)
        found["other"] = self.ids.to_numpy()[found["left"]]
        # Within a pack the id is the identity: what is one with another row of it is no candidate.
        own = found["keep"].isin(self._taken)
        return undecided(found.loc[~own, SHOWN], self._decisions)


def resolve(
    incoming: pd.DataFrame,
    known: pd.DataFrame,
    decisions: Iterable[Decision] = (),
    beside: pd.DataFrame | None = None,
) -> Resolution:
    """Match enterprises with those that other packs name.

    A pair is one enterprise where a key says so: a person's decision, the id, the credit code, the
    stock code, the registered name, a former name or alias. The strongest key that agrees decides;
    where it points to several, the other keys that agree do. What still is ambiguous, what has
    clashing codes, and what is merely similar stays apart. Two rows of the source never become one:
    within a pack the id is the identity.

    Args:
        incoming: Cleaned rows of one source with the columns of the table ``enterprises`` (id and
            name at least), ids unique.
        known: Rows of the other packs, with the same columns; several may have one id.
        decisions: What people decided.
        beside: Further rows of the same source, which stand under their final ids already; none of
            the incoming ones becomes one with them.

    Returns:
        The final ids of what comes in. An enterprise that is not known keeps its own id, unless a
        different one has it already: then ``~2`` and so on is put behind it.
    """
    decided = tuple(decisions)
    gone = accepted_ids(decided)
    count = len(incoming)
    if beside is not None:
        incoming = pd.concat([incoming, beside])
    own = incoming["id"].reset_index(drop=True)
    wanted = _renamed(own, gone)
    if gone:
        known = known.assign(id=known["id"].map(lambda i: gone.get(i, i)).astype("str"))
    left, right = keyed(incoming.reset_index(drop=True).assign(id=wanted)), keyed(known)
    pairs = agreements(left, right)
    rejected = {frozenset((d.keep, d.other)) for d in decided if d.verdict == "reject"}
    if rejected:
        pairs = pairs[~_among(rejected, pairs, [own.to_numpy(), left.ids], right.ids)]
    # The strongest for each side; where two are as strong, neither is it.
    best = pairs[~(pairs["clash"] | pairs["weak"])]
    best = _only_best(_only_best(best, "left"), "right")
    matched = best["left"].to_numpy(dtype=np.int64)
    final = wanted.to_numpy(dtype=object).copy()
    final[matched] = right.ids.to_numpy(dtype=object)[best["right"]]
    how = np.full(len(own), "", dtype=object)
    how[matched] = best["match"]
    how[(how == "id") & (wanted != own).to_numpy()] = "decision"
    _keep_apart(final, how == "", own, right.ids)
    how[(how == "") & (final == wanted) & (wanted != own).to_numpy()] = "decision"

    rest = pairs.merge(best[["left", "right"]], how="left", indicator=True)
    rest = rest[(rest["_merge"] == "left_only") & (rest["left"] < count)]
    reason = np.select([rest["clash"], rest["weak"]], ["clash", "short_name"], "ambiguous")
    return Resolution(
        pd.Series(final[:count], index=pd.Index(own[:count]), dtype="str"),
        pd.Series(how[:count], index=pd.Index(own[:count]), dtype="str"),
        final,
        left,
        right,
        rest.assign(reason=reason, score=1.0)[COLUMNS],
        decided,
    )


def accepted_ids(decisions: Iterable[Decision]) -> Mapping[str, str]:
    """Ids that people gave up, with the id that stays in their place, chains followed.

    >>> from datetime import datetime
    >>> at = datetime(2026, 1, 1)
    >>> chain = [Decision(1, "b", "c", "accept", "", at), Decision(2, "a", "b", "accept", "", at)]
    >>> dict(accepted_ids(chain))
    {'c': 'a', 'b': 'a'}
    """
    stays: dict[str, str] = {}

    def root(name: str) -> str:
        while name in stays:
            name = stays[name]
        return name

    for decision in decisions:
        keep, other = root(decision.keep), root(decision.other)
        if decision.verdict == "accept" and keep != other:
            stays[other] = keep
    return {name: root(name) for name in stays}


def _renamed(own: pd.Series, gone: Mapping[str, str]) -> pd.Series:
    """Incoming ids after what people accepted; of two that would become one the first is renamed."""
    if not gone:
        return own
    wanted = own.map(lambda i: gone.get(i, i)).astype("str")
    taken = wanted.isin(set(own)) | wanted.duplicated()
    return wanted.mask((wanted != own) & taken, own)


def _only_best(pairs: pd.DataFrame, side: str) -> pd.DataFrame:
    """The pair of most strength for each unit of a side, where there is one such."""
    top = pairs[pairs["strength"] == pairs.groupby(side)["strength"].transform("max")]
    return top[~top.duplicated(side, keep=False)]


def _keep_apart(
    final: npt.NDArray[np.object_], new: npt.NDArray[np.bool_], own: pd.Series, known: pd.Index
) -> None:
    """Give new enterprises whose id another one has an id of their own, in place."""
    names = pa.array(known.to_numpy(dtype=object), pa.string())
    taken = new & pc.is_in(pa.array(final, pa.string()), value_set=names).to_numpy(False)
    if not taken.any():
        return
    used = {*known, *final[~taken], *own}
    for at in np.flatnonzero(taken):
        name, number = own.iloc[at], 1
        candidate = name
        # One that only a decision would have renamed goes on under its own id.
        while candidate in used and not (candidate == name != final[at] and name not in known):
            number += 1
            candidate = f"{name}{APART}{number}"
        final[at] = candidate
        used.add(candidate)


def _among(
    wanted: Collection[frozenset[str]],
    pairs: pd.DataFrame,
    names: Iterable[npt.NDArray[np.object_] | pd.Index],
    known: pd.Index,
) -> npt.NDArray[np.bool_]:
    """Which pairs are among the wanted ones, under any of the names of their left side."""
    found = np.zeros(len(pairs), dtype=np.bool_)
    there = known.to_numpy()[pairs["right"]]
    for name in names:
        here = np.asarray(name)[pairs["left"]]
        hits = (frozenset(pair) in wanted for pair in zip(here, there, strict=True))
        found |= np.fromiter(hits, np.bool_, len(pairs))
    return found
