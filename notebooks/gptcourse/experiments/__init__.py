"""The long studies behind the recorded tables: one script each, see its docstring."""
