"""The wire codec (RFC 1035, 6891, 8914, 9460): strict scans, and composing of answers."""
