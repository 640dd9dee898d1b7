"""Compares how geowarden and the real OPA engine evaluate Rego policies."""
