"""Clients of pygeoapi, as people use them, each on a walk through what it can do."""
