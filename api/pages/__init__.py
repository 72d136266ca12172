"""The pages, rendered by the server.

Start here:

- :mod:`.shell` renders a template with the navigation, the caller and the assets.
- :mod:`.language` speaks Chinese, or English by the catalogue in ``locale``.
- :mod:`.routes` is the overview and what every page needs; other pages have modules of their own.
- :mod:`.people` is signing in and one's account, :mod:`.admin` users, keys and audit.
- :mod:`.graph` is the graph browser and the overview of the whole graph, :mod:`.profiles` the page of
  each node.
- :mod:`.data` is uploads, jobs and versions, :mod:`.data_review` quarantine and review.
- :mod:`.reference` shows the description of the API.

Templates stand in ``templates``, our scripts and styles in ``static``; those of others come from
installed packages by :data:`shell.ASSETS`. No page holds an inline script, and none asks for
anything outside this server.
"""
