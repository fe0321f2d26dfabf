"""What an operator must be told: raised and cleared by facts alone."""
