"""The long studies behind recorded tables: one script each, see its docstring."""
