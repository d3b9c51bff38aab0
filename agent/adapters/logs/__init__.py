"""Log files of the equipment: lines that match a pattern of the catalog, and nothing else of them."""
