"""What the screens show, worked out without a screen: pure functions and small state machines, no Textual, no SQL, no I/O.

snapshots   frozen answers of `tui.data.source.Source`: Pulse, RunsPage, ListedRun, RunDetail, TaskDetail, LogWindow,
            FlowSummary, Counts, SystemFacts
texts       Span = (text, style name), Line = tuple[Span, ...]; fit(text, cells), short_duration, countdown, age, …
themes      words and glyphs of states, THEMES (palettes by name), Glyphs (unicode, ascii), choose_look(environ)
waterfall   Waterfall(detail): update(detail), rows(), toggle(id), unfold(id), fold(id), next_problem(id, step), index_of(id)
layout of   waterfall_lines: TimeScale, columns(width), header(…), row_line(…): rows of the Run screen as Lines of exact width
runs_list   RunList: update(page), rows, cursor id, marks, next_problem; run_line(row, columns, …), sparkline(…)
logs        LogBuffer over windows; log_lines(record, …) joins multi-line records
completion  complete(text, cursor, vocabulary) for the query language of store.query_language
views       saved views: read and write text of views.json (the file itself is data.views)
keys        BINDINGS, one table; bindings_of(scope), footer(scope, …), help_groups(scope), keymap_of(toml text), as_markdown()
"""
