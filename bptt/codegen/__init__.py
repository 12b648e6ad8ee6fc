"""From equations to the plan of a kernel: pure functions, no machine."""
