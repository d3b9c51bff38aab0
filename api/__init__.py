"""REST, live stream, authentication and roles; errors become HTTP here."""
