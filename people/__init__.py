"""Organisations, sites, accounts, roles, credentials and the audit log: who may do and see what."""
