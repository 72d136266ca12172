"""How facts come in: files are read, cleaned, checked and handed to a store's writer.

Start here:

- :mod:`.sources` knows the kinds of files and folders that can be read, each described as data.
- :mod:`.readers` turns CSV, XLSX and JSON Lines files into tables of text with line numbers;
  :mod:`.text` decodes them.
- :mod:`.people` drops columns with persons before anything else sees them.
- :mod:`.cleaners` has one cleaner per value type of :mod:`..graph.schema`.
- :mod:`.quarantine` collects what cannot be used, with file, line, reason and raw text.
- :mod:`.identity.resolve` finds enterprises of several sources that are one.
- :mod:`.policy.reader` reads policy notices.
- :mod:`.pack` reads and checks a pack; :mod:`.load` puts packs into a store, atomically.
- :mod:`.addresses` turns addresses into region codes.
- :mod:`.pack` reads a pack; :mod:`.check` checks the statement of any source; :mod:`.load` puts
  statements into a store, atomically.
- :mod:`.products` finds the products of the store that a source knows by name.
- :mod:`.files` takes files to the store in one call, and those it took in already not again.
- :mod:`.rehearse` does a load but for the commit, to see what it would change.
- :mod:`.snapshots` reads and makes the dated lists of the backtest.
- :mod:`.corrections` takes quarantined rows back in that somebody has corrected.

Nothing is dropped in silence: rows loaded and rows quarantined add up to rows read.
"""

from .load import LoadReport, load
from .pack import PackReport, RawPack, open_pack

__all__ = ["LoadReport", "PackReport", "RawPack", "load", "open_pack"]
