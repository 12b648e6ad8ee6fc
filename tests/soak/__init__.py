"""Damaged inputs in great number: `make soak` runs them all, `test_soak.py` some of each target.

A target (`soak.target.Target`) makes an input from a seed and hands it to the code. The code may accept it
or raise a BpttError; any other exception, a warning, a hang or memory without end is a failure, which is
printed with the target and the number that make it again. To add targets, put a module with a tuple
`TARGETS` into `soak/targets`; it is found by itself.
"""
