"""Picture networks that more than one capability starts from; they touch no file."""
