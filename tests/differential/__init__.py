"""Compares how geowarden reads requests with what the real pygeoapi serves, in process."""
