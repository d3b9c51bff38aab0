"""Who is told of tickets, over HTTP."""
