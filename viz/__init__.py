"""How results look: chain view, maps, lists. Takes result tables, knows no store.

Start here:

- :mod:`.words` and :mod:`.sentences` are what every picture and list says; :mod:`.style` colours,
  signs and symbols; :mod:`.tables` tables ready to show.
- :mod:`.drawing` is the one model of static pictures, in millimetres; :mod:`.fonts` measures and
  breaks text; :mod:`.render` writes SVG, PDF and PNG; :mod:`.sheet` is the A3 page.
- :mod:`.chain` draws the 链图 as laid out by :mod:`.chain_layout`; :mod:`.attraction` the 招商攻坚图;
  :mod:`.resource_map` the 资源分布图 from the tables of :mod:`.resources` with :mod:`.map_drawing`.
- :mod:`.graph_view` is a view of the graph for the browser, as drawing, GEXF and JSON, laid out by
  :mod:`.graph_layout`; :mod:`.overview` places the whole graph.
- :mod:`.boundaries` reads and simplifies the outlines of regions.
- :mod:`.report` composes the report of a cluster; :mod:`.office` writes it for Word.
- :mod:`.backtest_page` is the report of the backtest, with the curves of :mod:`.backtest_charts`.
- :mod:`.changes` says in Chinese what changed between two states of a cluster.
- :mod:`.language` is the language all of it speaks: Chinese, or another by a catalogue, with regions
  spelt by :mod:`.romanised`.
- :mod:`.page` puts pictures into offline HTML pages that share one ``assets`` folder, or hold all.
- :mod:`.xlsx` writes lists as workbooks.
"""
