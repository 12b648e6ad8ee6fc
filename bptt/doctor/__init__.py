"""The installation and the machine, examined: what is there, what is slow, what is broken, and the cure."""
