"""What geowarden makes of Rego policies held against the real OPA engine."""
