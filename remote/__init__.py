"""Remote sessions: prepared scopes, consent, runbooks and their verdicts."""
