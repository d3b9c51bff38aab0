"""What the server asks of the agent: each command done once, runbooks and what their steps find out."""
