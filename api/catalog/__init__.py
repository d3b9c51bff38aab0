"""What the catalog knows, over HTTP."""
