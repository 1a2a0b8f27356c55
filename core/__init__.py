"""Everything but the truth at rest: authoring, engine, daemon, command line."""
