"""How each type of step is carried out, found done, settled and undone: one module a subject."""
