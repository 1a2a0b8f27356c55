"""The terminal interface: it looks at the database read-only and asks the daemon; it holds no truth."""
