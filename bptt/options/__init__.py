"""Options: fields that say what they mean, which of them a command has, and files that give them."""
