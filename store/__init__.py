"""The truth at rest: journals, the database that is made of them, and what it is asked."""
