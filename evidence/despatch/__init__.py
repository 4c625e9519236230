"""What waits to go out of the house (`evidence.outward`), and how it is sent."""
