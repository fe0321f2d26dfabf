"""Which operation may begin when: claims, the queue for them, and the conditions of beginning."""
