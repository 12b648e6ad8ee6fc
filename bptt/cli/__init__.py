"""The command line: parse, call, print. One file per command, which imports other rooms when it runs."""
