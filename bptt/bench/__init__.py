"""Side by side with others: the same work, in the same process, in turns."""
