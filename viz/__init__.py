"""How results look: chain view, maps, lists. Takes result tables, knows no store.

Start here:

- :mod:`.words` words shared by every picture and list; :mod:`.style` colours and signs.
- :mod:`.page` puts pictures into offline HTML pages that share one ``assets`` folder.
- :mod:`.chain` draws the 链图; :mod:`.resources` the 资源分布图; :mod:`.attraction` the 招商攻坚图.
- :mod:`.boundaries` reads and simplifies the outlines of regions.
- :mod:`.report` composes the report of a cluster; :mod:`.office` writes it for Word.
- :mod:`.changes` says in Chinese what changed between two states of a cluster.
- :mod:`.xlsx` writes lists as workbooks.
"""
