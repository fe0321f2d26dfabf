"""What is being done: values about operations under way. No I/O, clock or randomness, as everywhere in the model."""
