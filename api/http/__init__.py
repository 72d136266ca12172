"""The HTTP application: JSON under ``/api/v1``, pages at ``/``.

Start here:

- :mod:`.app` puts the application together; a new group of routes is one entry of its ``ROUTERS``.
- :mod:`.settings` is everything ``chainatlas serve`` can choose.
- :mod:`.service` holds the store and what was worked out of it, by version; routes ask it.
- :mod:`.access` says who may call what; a route without a rule is refused.
- :mod:`.identity` finds out who is calling, :mod:`.local` whether it is somebody at this machine.
- :mod:`.audit` leaves a row of every change and export.
- :mod:`.bodies` and :mod:`.limits`: how much and how often a caller may ask.
- :mod:`.problems` is every error as RFC 9457 problem+json.
- :mod:`.headers` sets the security headers and the request id of every answer.
- :mod:`.observe`, :mod:`.logs`, :mod:`.metrics`: what is noted of each request.
- :mod:`.routes_facts`: what the store holds, as it stands; :mod:`.nodes` derives lists and single
  nodes from the schema.
- :mod:`.routes_follow_ups`: how targets are followed up.
- :mod:`.routes_feed`: gaps, targets, supply rates; :mod:`.feed` makes their rows and what changed.
- :mod:`.routes_whatif`, :mod:`.routes_measures`, :mod:`.routes_graph`, :mod:`.routes_maps`,
  :mod:`.routes_exports`: what their names say.
- :mod:`.listing` gives any list in pages (:mod:`.cursors`) and formats (:mod:`.formats`);
  :mod:`.kept` keeps finished answers as bytes, with entity tags (:mod:`.conditions`).
- :mod:`.parameters` is what many routes take, and refuses what a route does not have.
- :mod:`.documents` holds the JSON Schemas of answers; :mod:`.describe` makes the OpenAPI document.
- :mod:`.routes_graphview` is what the scripts of the graph pages ask for.
- :mod:`.jobs` keeps long work as rows; :mod:`.jobs_kinds` declares its kinds, :mod:`.jobs_runner`
  gives each a process, :mod:`.jobs_task` is that process, :mod:`.jobs_work` what it does.
- :mod:`.uploads_spool` keeps files that are sent, :mod:`.uploads_open` looks into them before they
  are read (:mod:`.uploads_archive`, :mod:`.uploads_sheets`).
- :mod:`.jobs_desk`, :mod:`.uploads_desk`, :mod:`.quarantine_desk` and :mod:`.review_desk` are what
  routes and pages about data do alike; :mod:`.routes_jobs`, :mod:`.routes_uploads`,
  :mod:`.routes_quarantine` and :mod:`.routes_review` are the routes.
- :mod:`.routes_operations` is for those who keep the server, :mod:`.routes_reference` the
  description of the API.
"""
