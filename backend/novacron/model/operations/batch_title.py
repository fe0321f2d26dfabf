"""What a batch is called: by what its operations have in common."""

from collections.abc import Sequence

from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import texts_of, verb_of


def title_of(intents: Sequence[Intent]) -> str:
    """Return one line for several intents: "start 3 VMs", or "3 operations" where they differ in kind."""
    kinds = {(verb_of(intent), texts_of(intent).noun, texts_of(intent).nouns) for intent in intents}
    if len(kinds) != 1:
        return f"{len(intents)} operations"
    verb, noun, nouns = next(iter(kinds))
    return f"{verb} {len(intents)} {noun if len(intents) == 1 else nouns}"
