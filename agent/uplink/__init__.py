"""The way to the server: enrolment, the connection, and the session that carries the outbox up."""
