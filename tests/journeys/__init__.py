"""What the five people of the design do, from nothing, in a browser, on a real installation."""
