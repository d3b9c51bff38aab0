"""Equipment knowledge as data: what a model can say, what each fault means, which rules judge it, what to bring.

`catalog.load.load()` gives the whole of it as frozen structs (`catalog.model`); `catalog.messages.render` turns a
stored message id with its parameters into words; `catalog.check` lints a folder of catalog files.
"""
