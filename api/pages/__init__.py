"""The pages, rendered by the server.

Start here:

- :mod:`.shell` renders a template with the navigation, the caller and the assets.
- :mod:`.language` speaks Chinese, or English by the catalogue in ``locale``.
- :mod:`.routes` is what every page needs; each page has a module of its own, such as :mod:`.overview`,
  :mod:`.chain`, :mod:`.map`, :mod:`.attraction` and :mod:`.compare`.
- :mod:`.scope` is the region and cluster a page is about; :mod:`.export` saves pages as files.
- :mod:`.patience` shows who waits for a page how far it is.
- :mod:`.warm` prepares each new version of the facts before somebody asks.
- :mod:`.people` is signing in and one's account, :mod:`.admin` users, keys and audit.
- :mod:`.graph` is the graph browser and the overview of the whole graph, :mod:`.profiles` the page of
  each node.
- :mod:`.data` is uploads, jobs and versions, :mod:`.data_review` quarantine and review.
- :mod:`.reference` shows the description of the API.

Templates stand in ``templates``, our scripts and styles in ``static``; those of others come from
installed packages by :data:`shell.ASSETS`. No page holds an inline script, and none asks for
anything outside this server.
"""
