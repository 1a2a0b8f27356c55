"""Reading for the screens: threads and SQLite stay in here, frozen snapshots come out; nothing is written."""
