"""How people and programs reach it.

Start here:

- :mod:`.cli` is the command line; each command is a few lines that call the layers below.
- :mod:`.shell` holds what the commands share: the application, options, notes and progress.
- :mod:`.answers` turns results into the JSON objects and Chinese tables that scripts and people get.
- :mod:`.output` writes answers as table, JSON, CSV or XLSX.
- :mod:`.commands_copy` is ``chainatlas copy``: a whole store into another one.
- :mod:`.main_job` is ``chainatlas run``: load, analyse, write everything for every cluster.
"""
