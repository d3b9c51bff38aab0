"""Who signs in, accounts and sites, over HTTP."""
