"""The command line: parse, call, print. One file per verb; rooms are imported when a verb runs."""
