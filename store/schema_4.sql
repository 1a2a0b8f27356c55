-- From schema 3 to schema 4: what each task run is granted.

ALTER TABLE task_run ADD COLUMN terms TEXT;
