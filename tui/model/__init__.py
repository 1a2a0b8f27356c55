"""What the screens show, worked out without a screen: pure functions and small state machines.

No Textual, no SQL, no I/O. A Line is a tuple of (text, style name); style names are keys of `themes.Theme.styles`.

snapshots        frozen answers of `tui.data.source.Source`
texts            Span, Line, fit, fit_line, between, width_of, durations, countdown, when, clock, sparkline, progress
glyphs, themes   words and signs of states (word_of, task_word_of, UNICODE, ASCII); THEMES, choose_look(environ)
waterfall        Waterfall(detail): update, rows, index_of, select, toggle, fold, unfold, reveal, next_problem, sibling
waterfall_lines  drawing(waterfall, width, now), header_line, row_line, chain, grid; window_of for zoom and pan
time_scale       TimeWindow: zoomed, panned; TimeScale
run_rows         RunRows: all keys of a list and the rows of it that are read; RunWalk: from one run to the next
runs_list        RunList: update(page), take_keys, rows, cursor, move, select, next_problem, marks, targets() -> Target
runs_lines       list_columns(width), header, run_line, counts_line, day_line, strip, durations, why
logs             LogView: windows joined into lines; log_line
completion       complete(text, cursor, vocabulary) for the query language of store.query_language
views            View, BUILT_IN, read_views(text), write_views(views)
keys             BINDINGS, one table: bindings_of, footer_of, help_of, palette_of, read_keymap, as_markdown
"""
