"""The database: pool, named SQL, migrations, editions, retention, the embedded server."""
