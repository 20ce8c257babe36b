# As in pyproject.toml, which is not there where the product runs.
VERSION = "0.1.0"
