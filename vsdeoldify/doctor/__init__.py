"""What is installed, what is broken, and the command that fixes it."""
