"""Which products an enterprise makes, sells or services, from its texts.

Start here:

- :mod:`.linker` is the way in: :func:`link` and :class:`Linker` turn texts into links with evidence.
- :mod:`.buffer` joins texts into one normalised buffer and keeps where each character came from.
- :mod:`.names` turns products, aliases and narrower terms into the dictionary and its matcher.
- :mod:`.words` loads the word lists of ``data/linking``.
- :mod:`.grammar` marks clauses, lists, brackets, exclusions and verbs, and gives each place its role.
- :mod:`.shared` completes items of lists and brackets by the heads they share.
- :mod:`.context` says what an industry and the words around a term speak for or against.
- :mod:`.tables` finds the texts in tables of companies.
- :mod:`.stage` adds what the texts of a source say to its facts while they are loaded.
- :mod:`.propose` lists names that the dictionary lacks, for review.

Work is done on arrays over the whole buffer; nothing loops over rows.
"""

from .linker import COLUMNS, MAKES, SELLS, SERVICES, Linker, link, strongest
from .propose import propose

__all__ = ["COLUMNS", "MAKES", "SELLS", "SERVICES", "Linker", "link", "propose", "strongest"]
