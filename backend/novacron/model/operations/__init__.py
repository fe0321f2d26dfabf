"""What can be done: one module a subject declares its intents, how they are planned, and what they are called."""
