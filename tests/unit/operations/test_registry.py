"""Every kind of operation is complete everywhere: a new one that lacks a part fails here."""

import re
from collections.abc import Mapping

import pytest
import typer
from typer.main import get_command

from novacron.adapters.sql.documents import EventRow, document_of, folded
from novacron.api.bodies import PreviewBody
from novacron.cli import acting, creation, devices, migration, storage
from novacron.cli.main import app
from novacron.engine.operations.registry import HANDLERS
from novacron.engine.operations.step import StepHandler
from novacron.model.fleet import Fleet
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import INTENTS, STEP_ARGS, SUBJECTS, TYPES, claims_of, plan, subject_of
from novacron.model.operations.step import type_of
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.refusal import Refusal
from novacron.model.work.event import Accepted
from novacron_tui.commands.registry import COMMANDS
from novacron_tui.keys import KEYS
from tests.operation_builders import an_operation
from tests.operation_strategies import example_of

_VERBS: Mapping[type[Intent], tuple[str, ...]] = {
    intent: verb for module in (acting, creation, migration, devices, storage) for intent, verb in module.VERBS.items()
}

every_type = pytest.mark.parametrize("kind", TYPES)


def test_every_subject_declares_types_of_kinds_of_their_own() -> None:
    declared = [one.kind for subject in SUBJECTS for one in subject.TYPES]
    assert sorted(declared) == sorted(set(declared)) == sorted(TYPES)


def test_every_intent_that_is_declared_anywhere_is_registered() -> None:
    concrete = {intent for base in (Intent, *Intent.__subclasses__()) for intent in base.__subclasses__()}
    kinds = {intent.__name__ for intent in concrete if intent.__dataclass_fields__["kind"].type is not str}
    assert kinds == {intent.__name__ for intent in INTENTS}


@every_type
def test_its_words_can_be_shown(kind: str) -> None:
    texts = TYPES[kind].texts
    for text in (texts.verb, texts.doing, texts.noun):
        assert re.fullmatch(r"[A-Za-z]+( [a-z]+| NIC)*", text)


@every_type
def test_it_is_planned_claimed_and_named_without_a_fleet(kind: str) -> None:
    intent = example_of(TYPES[kind].intent)
    answer = plan(intent, Fleet())
    assert isinstance(answer, Refusal)
    assert answer.reason
    assert claims_of(intent, Fleet()).all
    assert subject_of(intent, Fleet())


@every_type
def test_every_type_of_its_steps_is_carried_out_and_settled(kind: str) -> None:
    assert TYPES[kind].steps
    for args in TYPES[kind].steps:
        handler = HANDLERS[args]
        assert handler.act is not StepHandler.act
        assert handler.settle is not StepHandler.settle


def test_no_two_types_of_steps_have_one_name() -> None:
    names = [type_of(args) for args in STEP_ARGS]
    assert sorted(names) == sorted(set(names))
    assert set(HANDLERS) == set(STEP_ARGS)


@every_type
def test_the_journal_keeps_it(kind: str) -> None:
    operation = an_operation(1, intent=example_of(TYPES[kind].intent))
    name, version, document = document_of(Accepted(accepted=operation))
    row = EventRow(operation=operation.id, sequence=1, kind=name, version=version, document=document)
    assert folded("the journal", [row]) == operation


@every_type
def test_a_client_can_ask_for_it_and_finds_it_described(kind: str) -> None:
    name = TYPES[kind].intent.__name__
    assert name in PreviewBody.model_json_schema()["$defs"]


@every_type
def test_the_command_line_has_a_verb_for_it(kind: str) -> None:
    command = get_command(app)
    for word in _VERBS[TYPES[kind].intent]:
        assert isinstance(command, typer.core.TyperGroup)
        command = command.commands[word]
    assert command.help


@every_type
def test_the_console_has_a_command_with_a_key_for_it(kind: str) -> None:
    commands = [command for command in COMMANDS.values() if command.makes is TYPES[kind].intent]
    assert commands
    for command in commands:
        assert command.intent or command.form
        assert command.id in {key.id for key in KEYS}


def test_what_is_not_known_holds_its_vm_and_is_refused() -> None:
    intent = example_of(UnknownIntent)
    assert isinstance(plan(intent, Fleet()), Refusal)
    assert f"vm:{intent.about_vm}" in claims_of(intent, Fleet()).holds
