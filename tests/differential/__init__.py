"""geowarden's reading of requests held against the real pygeoapi, in process."""
