"""Real clients of pygeoapi. Each goes through all that it can do with a pygeoapi."""
