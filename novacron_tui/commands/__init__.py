"""What an operator can do: each command says when it is possible, and which intent it is. Pure; one subject a file."""
