"""One cleaner per value type: a column of text into clean values and the reasons of those that are not.

A cleaner works on the distinct non-empty values of a column, so its cost follows the number of
different values, and numbers are converted as a whole column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from iso3166 import countries_by_alpha2

from ..graph import regions
from ..graph.schema import EPSILON, Column

#: Excel's own limit for a cell; longer text is an accident.
LONGEST = 32767
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffe\uffff]"
#: The same as bytes of UTF-8: single ones, and pairs that follow a first byte.
_CONTROL_BYTE = np.zeros(256, dtype=bool)
_CONTROL_BYTE[[*range(0x09), *range(0x0B, 0x20), 0x7F]] = True
_HIDDEN: dict[int, list[int]] = {}
for _code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, 0xFFFE, 0xFFFF):
    _lead, *_rest = chr(_code).encode()
    _HIDDEN.setdefault(_lead, []).append(_rest[0] * 256 + _rest[1])
_CHUNK = 2**24
_AS_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_GB_CODE = re.compile(r"[A-T]?\d{2,4}|[A-T]")
#: The shape of a unified social credit code, before its check digit is looked at.
_USCC = re.compile(r"[0-9A-Z]{2}\d{6}[0-9A-Z]{10}")


_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SIGN_VALUES = np.full(256, -1, dtype=np.int64)
_SIGN_VALUES[[ord(sign) for sign in _SIGNS]] = np.arange(31)
_SIGN_WEIGHTS = 3 ** np.arange(17) % 31


@dataclass(frozen=True)
class Cleaned:
    """A cleaned column.

    Attributes:
        values: Doubles (NaN where empty) or text (missing where empty), in the order of the input.
        reasons: Reason code of each bad value, "" where it is good; bad values are missing.
        dropped: For list columns that keep their row: (position, value, reason).
    """

    values: pd.Series
    reasons: pd.Series
    dropped: tuple[tuple[int, str, str], ...] = ()


Check = Callable[[str, Column], str]


def _id(value: str, column: Column) -> str:
    if _AS_NUMBER.fullmatch(value):
        return "code_as_number"
    if _USCC.fullmatch(value) and not valid_credit_codes([value])[0]:
        return "bad_uscc"
    return ""


def _text(value: str, column: Column) -> str:
    if column.name == "gb_code" and not _GB_CODE.fullmatch(value):
        return "bad_gb_code"
    return ""


def _adcode(value: str, column: Column) -> str:
    return "" if regions.exists(value) else "bad_adcode"


def _country(value: str, column: Column) -> str:
    return "" if value in countries_by_alpha2 else "bad_country"


def _date(value: str, column: Column) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return "bad_date"
    try:
        date.fromisoformat(value)
    except ValueError:
        return "bad_date"
    return ""


def _enum(value: str, column: Column) -> str:
    return "" if column.choices is not None and value in column.choices else "bad_choice"


_CHECKS: Mapping[str, Check] = {
    "id": _id,
    "text": _text,
    "adcode": _adcode,
    "country": _country,
    "date": _date,
    "enum": _enum,
}


def clean(cells: pd.Series, column: Column) -> Cleaned:
    """Clean a column of text cells by its declared type.

    Args:
        cells: Text, "" where empty.
        column: The declaration.

    Returns:
        Values and reasons, with the index of ``cells``.
    """
    # What nobody can see is no content: removed before anything is judged by its emptiness.
    if _has_hidden(cells):
        cells = cells.str.replace(_CONTROL, "", regex=True)
    cells = cells.str.strip()
    result = (_clean_numbers if column.numeric else _clean_texts)(cells, column)
    if column.mandatory:
        result.reasons[result.values.isna() & (result.reasons == "")] = "missing_value"
    return result


def _has_hidden(cells: pd.Series) -> bool:
    """Whether any cell holds an invisible character, seen from the column's bytes.

    Looking for a few byte sequences takes a small part of the time that replacing them takes.
    """
    array = pa.array(cells, type=pa.large_string(), from_pandas=True)
    data = array.buffers()[2]
    if data is None:
        return False
    whole = np.frombuffer(data, dtype=np.uint8)
    for start in range(0, len(whole), _CHUNK):
        part = whole[start : start + _CHUNK]
        if _CONTROL_BYTE[part].any():
            return True
        for lead, rest in _HIDDEN.items():
            at = np.flatnonzero(part == lead) + start
            at = at[at < len(whole) - 2]
            if np.isin(whole[at + 1].astype(np.int32) * 256 + whole[at + 2], rest).any():
                return True
    return False


def _clean_numbers(cells: pd.Series, column: Column) -> Cleaned:
    filled = cells != ""
    # Only plain decimal notation: no nan, inf, hexadecimal or digit separators.
    shaped = cells.str.fullmatch(_NUMBER.pattern).fillna(False).astype(bool)
    values = pd.to_numeric(cells.where(shaped), errors="coerce").astype("float64")
    finite = pd.Series(np.isfinite(values.to_numpy()), index=cells.index)
    reasons = pd.Series("", index=cells.index, dtype=object)
    reasons[filled & ~finite] = "bad_number"
    outside = pd.Series(False, index=cells.index)
    if column.low is not None:
        outside |= values < column.low
    if column.high is not None:
        outside |= values > column.high + EPSILON
        values = values.clip(upper=column.high).where(~outside, values)
    reasons[finite & outside] = "out_of_range"
    if column.whole:
        reasons[finite & ~outside & (values % 1 != 0)] = "not_whole"
    return Cleaned(values.where(reasons == ""), reasons)


def _clean_plain(cells: pd.Series, codes: bool) -> Cleaned:
    """Text that may be anything, by whole columns: most cells of a register differ."""
    reasons = pd.Series("", index=cells.index, dtype=object)
    if codes:
        reasons[cells.str.fullmatch(_AS_NUMBER.pattern).to_numpy(dtype=bool)] = "code_as_number"
        shaped = cells.str.fullmatch(_USCC.pattern).to_numpy(dtype=bool)
        wrong = np.flatnonzero(shaped)[~valid_credit_codes(cells[shaped].tolist())]
        reasons.iloc[wrong] = "bad_uscc"
    reasons[(cells.str.len() > LONGEST).to_numpy(dtype=bool)] = "cell_too_long"
    return Cleaned(cells.where((cells != "") & (reasons == "")).astype("str"), reasons)


def valid_credit_codes(codes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which unified social credit codes have the check digit that GB 32100-2015 gives them.

    Args:
        codes: Text of the shape of a credit code: 18 digits and capitals.

    Returns:
        Mask of shape (n,).
    """
    if not len(codes):
        return np.zeros(0, dtype=np.bool_)
    signs = np.asarray(codes, dtype="S18").view(np.uint8).reshape(len(codes), 18)
    values = _SIGN_VALUES[signs]
    total = (values[:, :17] * _SIGN_WEIGHTS).sum(axis=1)
    known = (values >= 0).all(axis=1) & (signs[:, :8] <= ord("9")).all(axis=1)
    return np.asarray(known & ((31 - total % 31) % 31 == values[:, 17]), dtype=np.bool_)


def _clean_texts(cells: pd.Series, column: Column) -> Cleaned:
    if not column.many and column.name != "gb_code" and column.type in ("text", "id"):
        return _clean_plain(cells, codes=column.type == "id")
    distinct = pd.Series(cells.unique(), dtype="str")
    check = _CHECKS[column.type]
    clean_of: dict[str, str] = {}
    reason_of: dict[str, str] = {}
    bad_of: dict[str, list[tuple[str, str]]] = {}
    for cell in distinct.tolist():
        if len(cell) > LONGEST:
            clean_of[cell], reason_of[cell] = "", "cell_too_long"
            continue
        if not column.many:
            clean_of[cell] = cell
            reason_of[cell] = check(cell, column) if cell else ""
            continue
        parts = list(dict.fromkeys(p for p in map(str.strip, re.split("[;；]", cell)) if p))
        faults = [(p, check(p, column)) for p in parts]
        bad = [(p, fault) for p, fault in faults if fault]
        if bad and not column.keep_row:
            clean_of[cell], reason_of[cell] = "", bad[0][1]
        else:
            clean_of[cell], reason_of[cell] = ";".join(p for p, fault in faults if not fault), ""
            if bad:
                bad_of[cell] = bad
    reasons = cells.map(reason_of).astype(object)
    values = cells.map(clean_of)
    values = values.where((values != "") & (reasons == "")).astype("str")
    dropped = tuple(
        (int(position), value, reason)
        for cell, faults in bad_of.items()
        for position in np.flatnonzero((cells == cell).to_numpy())
        for value, reason in faults
    )
    return Cleaned(values, reasons, dropped)
