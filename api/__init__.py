"""How people and programs reach it.

Start here:

- :mod:`.cli` is the command line; each command is a few lines that call the layers below.
- :mod:`.shell` holds what the commands share: the application, options, notes and progress.
- :mod:`.answers` turns results into the JSON objects and Chinese tables that scripts and people get.
- :mod:`.commands_simulate`, :mod:`.commands_trends` and :mod:`.commands_risk` are commands of their
  own, :mod:`.answers_whatif` their answers.
- :mod:`.commands_measures` and :mod:`.answers_measures`: requirements, relatedness, value chain.
- :mod:`.output` writes answers as table, JSON, CSV or XLSX.
- :mod:`.pictures` draws one picture or all of a cluster, as page or for print.
- :mod:`.profiles` collects what is known of a node, for page and command; :mod:`.scenes` puts views
  of the graph together.
- :mod:`.commands_link` is ``chainatlas link``: the products in a table of companies.
- :mod:`.commands_backtest` is ``chainatlas backtest`` and ``snapshots``.
- :mod:`.commands_copy` is ``chainatlas copy``: a whole store into another one.
- :mod:`.http` is the HTTP API, :mod:`.pages` its pages, :mod:`.client` a client of it in Python.
- :mod:`.main_job` is ``chainatlas run``: load, analyse, write everything for every cluster.
"""
