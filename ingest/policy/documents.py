"""Text out of the files notices come in."""

from __future__ import annotations

from pathlib import Path

from ...graph.errors import ReadError
from ..text import decode

#: Most bytes a notice may have; more is no notice.
MOST = 64 * 2**20


def read_document(path: Path) -> str:
    """The text of a .txt, .docx or .pdf file.

    Raises:
        ReadError: The file is missing, of another kind, damaged, locked, or has no text.
    """
    readers = {".txt": _txt, ".docx": _docx, ".pdf": _pdf}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ReadError(f"{path.name}：不支持的文件类型，应为 .txt、.docx 或 .pdf。")
    if not path.is_file():
        raise ReadError(f"{path}：文件不存在。")
    if path.stat().st_size > MOST:
        raise ReadError(f"{path.name}：文件过大（超过 {MOST // 2**20} MB）。")
    try:
        text = reader(path)
    except OSError as error:
        raise ReadError(f"{path.name}：无法打开（{error.strerror}）。") from error
    if not text.strip():
        raise ReadError(f"{path.name}：没有文字；扫描件请先做文字识别（OCR）。")
    return text


def _txt(path: Path) -> str:
    return decode(path.read_bytes(), path.name)[0]


def _docx(path: Path) -> str:
    import docx  # slow to import, and few ingest notices

    try:
        document = docx.Document(str(path))
    except Exception as error:  # python-docx lets errors of zipfile, lxml and its own through
        raise ReadError(f"{path.name}：不是有效的 Word 文档（.docx）。") from error
    lines = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        lines += ["，".join(dict.fromkeys(c.text.strip() for c in row.cells)) for row in table.rows]
    return "\n".join(lines)


def _pdf(path: Path) -> str:
    import pypdf

    try:
        reader = pypdf.PdfReader(str(path))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ReadError(f"{path.name}：PDF 有密码，请先去除密码。")
        return "\n\n".join(page.extract_text() for page in reader.pages)
    except ReadError:
        raise
    except Exception as error:  # a damaged file breaks pypdf in many ways
        raise ReadError(f"{path.name}：不是有效的 PDF 文件。") from error
