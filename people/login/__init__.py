"""From a password to a credential, and how guessing is kept slow."""
