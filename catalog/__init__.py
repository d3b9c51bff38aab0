"""Equipment knowledge as data: models, signals, fault codes, rules, runbooks, parts, and the loader."""
