"""Archives that strangers send, looked at before anything is unpacked, and unpacked within limits.

A ``.zip`` of a pack and an ``.xlsx`` are both archives. What an archive says about itself may be a lie:
its directory is small and stands where every reader looks for it, the sizes it states are summed up,
and then each member is inflated piece by piece and must be as large as it says.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from .uploads_refusal import RefusedError

#: Bytes that all members of an archive may have together.
UNPACKED = 192 * 2**20
#: Members of an archive.
MEMBERS = 1000
#: Bytes of an archive's directory.
DIRECTORY = 2**20
_PIECE = 2**18
_LOCAL, _END, _LOCATOR64 = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _LOCATOR_SIZE = 22, 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True)
class Member:
    """A file of an archive.

    Attributes:
        name: Its path in the archive, harmless.
        info: What the directory says.
    """

    name: PurePosixPath
    info: zipfile.ZipInfo


def members(path: Path, label: str) -> list[Member]:
    """The files of an archive, by its directory alone.

    Args:
        path: The archive.
        label: What it is called.

    Raises:
        RefusedError: It is no archive, is damaged or encrypted, or holds what it should not.
    """
    _check_end(path, label)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except _BROKEN as error:
        raise RefusedError("invalid", f"{label}：不是有效的压缩文件，或已损坏。") from error
    if len(infos) > MEMBERS:
        raise RefusedError("too-large", f"{label}：里面有 {len(infos)} 个文件，最多 {MEMBERS} 个。")
    total = sum(info.file_size for info in infos)
    if total > UNPACKED:
        raise RefusedError(
            "too-large",
            f"{label}：解压后有 {total / 2**20:.0f} MB，超过上限 {UNPACKED // 2**20} MB，拒绝打开。",
        )
    found = [Member(_harmless(info, label), info) for info in infos if not info.is_dir()]
    names = [str(member.name).lower() for member in found]
    if len(set(names)) < len(names):
        raise RefusedError("invalid", f"{label}：里面有同名的文件。")
    return found


def _check_end(path: Path, label: str) -> None:
    """Refuse what readers of archives could understand in different ways, or not at all."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(4)
        stream.seek(max(0, size - _END_SIZE - _LOCATOR_SIZE))
        tail = stream.read()
    end = tail[-_END_SIZE:]
    plain = head == _LOCAL and len(end) == _END_SIZE and end.startswith(_END)
    if not plain or end[-2:] != b"\0\0":
        raise RefusedError("invalid", f"{label}：不是有效的压缩文件，或不完整。")
    directory = int.from_bytes(end[12:16], "little")
    if tail.startswith(_LOCATOR64) or directory > DIRECTORY:
        raise RefusedError("too-large", f"{label}：压缩文件的目录过大，拒绝打开。")


def _harmless(info: zipfile.ZipInfo, label: str) -> PurePosixPath:
    name = _spelled(info)
    path = PurePosixPath(name)
    windows = "\\" in name or ":" in name or "\x00" in name
    if windows or path.is_absolute() or ".." in path.parts or not path.parts or len(name) > 200:
        raise RefusedError("invalid", f"{label}：里面有不安全的文件路径，拒绝打开。")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise RefusedError("invalid", f"{label}：里面有链接或特殊文件，拒绝打开。")
    if info.flag_bits & 0x1:
        raise RefusedError("invalid", f"{label}：已加密，请去掉密码后再上传。")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError("invalid", f"{label}：压缩方法不受支持，请用普通 zip。")
    return path


def _spelled(info: zipfile.ZipInfo) -> str:
    """The directory's own spelling of a name, before the library made backslashes and NUL harmless.

    Chinese Windows writes GBK without saying so.
    """
    name = info.orig_filename
    if info.flag_bits & 0x800:
        return name
    raw = name.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def contents(path: Path, label: str, member: Member) -> Iterator[bytes]:
    """A file of an archive, piece by piece.

    Raises:
        RefusedError: It is damaged, or not as large as the directory says.
    """
    info = member.info
    done = check = 0
    try:
        with path.open("rb") as stream:
            for piece in _inflated(stream, info):
                done += len(piece)
                if done > info.file_size:
                    break
                check = zlib.crc32(piece, check)
                yield piece
    except _BROKEN as error:
        raise RefusedError("invalid", f"{label}：{member.name} 已损坏。") from error
    if done != info.file_size or check != info.CRC:
        raise RefusedError(
            "invalid", f"{label}：{member.name} 与目录所说的大小或校验不符，拒绝打开。"
        )


def _inflated(stream: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    stream.seek(info.header_offset)
    head = stream.read(30)
    if not head.startswith(_LOCAL) or len(head) < 30:
        raise zipfile.BadZipFile
    stream.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
    left = info.compress_size
    stored = info.compress_type == zipfile.ZIP_STORED
    engine = zlib.decompressobj(-15)
    while left and not engine.eof:
        raw = stream.read(min(left, _PIECE))
        if not raw:
            raise EOFError
        left -= len(raw)
        while raw and not engine.eof:
            if stored:
                yield raw
                break
            # No piece is larger than this, however much the input would swell to.
            yield engine.decompress(raw, _PIECE)
            raw = engine.unconsumed_tail
    if not stored:
        while piece := engine.decompress(b"", _PIECE):
            yield piece


def unpack(path: Path, label: str, place: Callable[[Member], Path | None]) -> None:
    """Write files of an archive to the places they are given; None leaves one out.

    Raises:
        RefusedError: See :func:`members` and :func:`contents`.
    """
    for member in members(path, label):
        where = place(member)
        if where is None:
            continue
        with where.open("xb") as target:
            for piece in contents(path, label, member):
                target.write(piece)
