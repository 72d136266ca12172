"""Texts of firms: freed of names, and as vectors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from ...graph.chain import Floats

Vectors = npt.NDArray[np.float32]

#: Dimensions of a text vector, and most n-grams that are looked at.
DIMENSIONS, _GRAMS = 128, 60000
#: Characters of a text that are read; what follows repeats itself.
_READ = 2000
#: Spare dimensions and power iterations of the projection.
_SPARE, _POWER = 16, 6
#: Smallest dimension that is kept, as a share of the largest.
_LEAST = 1e-6
_PEOPLES = "壮|回|藏|彝|苗|侗|傣|白|羌|土家|朝鲜|布依|哈尼|景颇|傈僳|蒙古|哈萨克|维吾尔|柯尔克孜"
_RANK = re.compile(rf"(省|市|地区|盟|特别行政区|(({_PEOPLES})族?)*自治[区州])+$")
_LEGAL = re.compile(r"(股份|有限|责任|公司|集团|控股)+")


def bare(place: str) -> str:
    """A place without its rank, as texts call it.

    >>> bare("武汉市"), bare("广西壮族自治区"), bare("延边朝鲜族自治州")
    ('武汉', '广西', '延边')
    """
    return _RANK.sub("", place) or place


def name_blind(texts: Iterable[str], names: Iterable[str], places: Iterable[str]) -> list[str]:
    """Texts without names of places and of the firm itself.

    Half of all legal names hold the city; a ranking that reads it would look twice as good.

    Args:
        texts: Of each firm.
        names: Its legal name.
        places: Every province and city of the panel, with or without rank.
    """
    given = {p for p in places if p}
    words = sorted(
        (w for w in given | {bare(p) for p in given} if len(w) > 1),
        key=lambda word: (-len(word), word),
    )
    pattern = re.compile("|".join(map(re.escape, words)) or r"(?!)")
    result = []
    for text, name in zip(texts, names, strict=True):
        core = _LEGAL.sub("", pattern.sub("", name))
        plain = pattern.sub("", text)
        result.append(plain.replace(core, "") if len(core) > 1 else plain)
    return result


def vectors(texts: Sequence[str], base: npt.NDArray[np.bool_]) -> Vectors:
    """Unit vector of each text, shape (n, 128 or less): 2- and 3-grams, TF-IDF, latent dimensions.

    The n-grams, their weights and the dimensions come from the base alone, so that nothing of the
    other texts shapes the space they are compared in. A text without a known n-gram is all zero.
    (Deerwester et al. 1990, latent semantic analysis.)

    Args:
        texts: Name-blind, (n,).
        base: Which of them the space is made of, (n,).
    """
    counts = [_grams(text) for text in texts]
    inside = np.flatnonzero(base)
    held = Counter(gram for at in inside.tolist() for gram in counts[at])
    least = min(3, max(1, len(inside) // 50))
    kept = sorted((-n, gram) for gram, n in held.items() if n >= least)[:_GRAMS]
    if min(len(kept), len(inside)) < 2:
        return np.zeros((len(texts), 1), dtype=np.float32)
    place = {gram: at for at, (_, gram) in enumerate(kept)}
    idf = 1 + np.log((1 + len(inside)) / (1 + np.array([-n for n, _ in kept], dtype=float)))
    matrix = _weighted(counts, place, idf)
    size = min(DIMENSIONS, min(len(kept), len(inside)) - 1)
    known = matrix[inside]
    strength, right = _latent(known, size)
    # Dimensions that no text of the base has are noise to other texts.
    dense = matrix @ right[strength > _LEAST * strength.max()].T
    norm = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.where(norm > 1e-9, dense / np.maximum(norm, 1e-9), 0.0).astype(np.float32)


def _latent(known: csr_array, size: int) -> tuple[Floats, Floats]:
    """The largest singular values and their right vectors, (size,) and (size, grams).

    By random projection and power iterations (Halko, Martinsson & Tropp 2011, SIAM Review 53:217),
    from a fixed start: unlike Lanczos solvers, whose restarts keep a state, it gives the same
    vectors every time.
    """
    wide = min(size + _SPARE, *known.shape)
    basis = known @ np.random.default_rng(0).normal(size=(known.shape[1], wide))
    for _ in range(_POWER):
        basis = known @ np.linalg.qr(known.T @ np.linalg.qr(basis)[0])[0]
    basis = np.linalg.qr(basis)[0]
    _, strength, right = np.linalg.svd((known.T @ basis).T, full_matrices=False)
    return strength[:size], right[:size]


def _grams(text: str) -> Counter[str]:
    text = re.sub(r"\s+", " ", text[:_READ].lower())
    return Counter(text[at : at + n] for n in (2, 3) for at in range(len(text) - n + 1))


def _weighted(
    counts: Sequence[Counter[str]], place: dict[str, int], idf: npt.NDArray[np.float64]
) -> csr_array:
    """TF-IDF with logarithmic term frequency, rows of unit length."""
    starts, columns, values = [0], [], []
    for row in counts:
        found = [(place[gram], n) for gram, n in row.items() if gram in place]
        at = np.array([column for column, _ in found], dtype=np.int64)
        weight = (1 + np.log(np.array([n for _, n in found], dtype=float))) * idf[at]
        columns.append(at)
        values.append(weight / max(float(np.linalg.norm(weight)), 1e-12))
        starts.append(starts[-1] + len(at))
    shape = (len(counts), len(place))
    return csr_array((np.concatenate(values), np.concatenate(columns), starts), shape=shape)
