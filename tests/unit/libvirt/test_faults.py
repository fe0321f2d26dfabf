"""libvirt's errors in our words: by its own numbers, with its own text kept."""

import libvirt
import pytest

from novacron.adapters.libvirt.faults import is_broken_link, is_not_allowed, note_link, translate, unreadable
from novacron.model.errors import Busy, Conflict, LinkLost, NotFound, OperationError, OutcomeUnknown

QEMU = libvirt.VIR_FROM_QEMU


def an_error(code: int, text: str = "it said no", domain: int = QEMU) -> libvirt.libvirtError:
    error = libvirt.libvirtError("")
    error.err = (code, domain, text, libvirt.VIR_ERR_ERROR, None, None, None, -1, -1)
    return error


_CODES = {
    name: value for name, value in vars(libvirt).items() if name.startswith("VIR_ERR_") and isinstance(value, int)
}


@pytest.mark.parametrize("effects", [True, False])
@pytest.mark.parametrize("name", sorted(_CODES))
def test_every_code_libvirt_has_becomes_one_of_our_errors_with_its_text(name, effects):
    fault = translate(an_error(_CODES[name]), "web-1", "starting it", effects=effects)
    assert (fault.subject, "it said no" in fault.detail) == ("web-1", True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("VIR_ERR_NO_DOMAIN", NotFound),
        ("VIR_ERR_NO_STORAGE_POOL", NotFound),
        ("VIR_ERR_NO_STORAGE_VOL", NotFound),
        ("VIR_ERR_NO_NETWORK", NotFound),
        ("VIR_ERR_DOM_EXIST", Conflict),
        ("VIR_ERR_STORAGE_VOL_EXIST", Conflict),
        ("VIR_ERR_RESOURCE_BUSY", Conflict),
        ("VIR_ERR_OPERATION_FAILED", OperationError),
        ("VIR_ERR_OPERATION_INVALID", OperationError),
        ("VIR_ERR_NO_SUPPORT", OperationError),
        ("VIR_ERR_MIGRATE_UNSAFE", OperationError),
        ("VIR_ERR_INTERNAL_ERROR", OperationError),
        ("VIR_ERR_SYSTEM_ERROR", OperationError),
    ],
)
def test_what_is_not_there_and_what_is_taken_are_told_apart_from_the_rest(name, kind):
    for effects in (True, False):
        assert type(translate(an_error(_CODES[name]), "web-1", "it", effects=effects)) is kind


@pytest.mark.parametrize(
    ("code", "domain"),
    [
        (libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_FROM_NONE),
        (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_FROM_NONE),
        (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC),
        (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_RPC),
    ],
)
def test_a_link_that_broke_leaves_the_outcome_unknown_only_if_there_may_be_one(code, domain):
    error = an_error(code, "End of file while reading data", domain)
    assert is_broken_link(error)
    told = translate(error, "kvm-1", "starting it", effects=True)
    asked = translate(error, "kvm-1", "reading its VMs", effects=False)
    assert type(told) is OutcomeUnknown
    assert told.detail == "the connection broke while starting it: End of file while reading data"
    assert type(asked) is LinkLost


class _Alive:
    def isAlive(self) -> int:  # noqa: N802 - libvirt's own name
        return 1


@pytest.mark.parametrize(
    ("code", "text", "effects", "kind"),
    [
        (libvirt.VIR_ERR_SYSTEM_ERROR, "Failed to connect socket to '/run/virtstoraged-sock'", True, OperationError),
        (libvirt.VIR_ERR_SYSTEM_ERROR, "Failed to connect socket to '/run/virtstoraged-sock'", False, OperationError),
        (libvirt.VIR_ERR_NO_CONNECT, "no connection driver available for storage:///system", True, OperationError),
        (libvirt.VIR_ERR_SYSTEM_ERROR, "End of file while reading data", True, OutcomeUnknown),
        (libvirt.VIR_ERR_SYSTEM_ERROR, "End of file while reading data", False, OperationError),
    ],
)
def test_a_daemon_that_lost_another_on_its_host_is_no_broken_link(code, text, effects, kind):
    error = an_error(code, text, libvirt.VIR_FROM_RPC)
    note_link(error, _Alive())
    assert type(translate(error, "kvm-1", "deleting a volume", effects=effects)) is kind


def test_a_refusal_that_came_over_the_wire_is_no_broken_link():
    assert not is_broken_link(an_error(libvirt.VIR_ERR_OPERATION_FAILED, domain=libvirt.VIR_FROM_RPC))
    assert not is_broken_link(an_error(libvirt.VIR_ERR_SYSTEM_ERROR))


def test_a_code_newer_than_ours_and_no_code_at_all_are_plain_refusals():
    assert type(translate(an_error(9999), "web-1", "it", effects=True)) is OperationError
    bare = libvirt.libvirtError("only words")
    bare.err = None
    fault = translate(bare, "web-1", "it", effects=True)
    assert (type(fault), fault.detail) == (OperationError, "only words")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('internal error: Failed to get "write" lock', "find and stop it"),
        ("cannot set up guest memory: Cannot allocate memory", "free some memory"),
        ("write failed: No space left on device", "free some room"),
        ("Unsafe migration: Migration without shared storage", "shared storage"),
        ("Unable to resolve address 'kvm-9'", "peer_uri"),
        ("Timed out during operation: cannot acquire state change lock", "another job holds"),
        ("something new", ""),
    ],
)
def test_what_people_can_do_about_it_is_said_where_it_is_known(text, remedy):
    fault = translate(an_error(libvirt.VIR_ERR_OPERATION_FAILED, text), "web-1", "it", effects=True)
    assert remedy in fault.remedy
    assert bool(fault.remedy) is bool(remedy)


def test_a_libvirt_that_will_not_have_us_is_told_from_one_that_is_not_there():
    for name in ("VIR_ERR_AUTH_FAILED", "VIR_ERR_AUTH_UNAVAILABLE", "VIR_ERR_AUTH_CANCELLED", "VIR_ERR_ACCESS_DENIED"):
        assert is_not_allowed(an_error(_CODES[name]))
    assert not is_not_allowed(an_error(libvirt.VIR_ERR_NO_CONNECT))
    assert not is_not_allowed(ValueError())
    assert not is_not_allowed(None)


def test_an_answer_that_is_not_utf_8_is_a_refusal_that_quotes_it():
    with pytest.raises(UnicodeDecodeError) as caught:
        b"no volume 'caf\xe9'".decode()
    assert unreadable(caught.value, "vm").detail == r"no volume 'caf\xe9'"


def test_a_vm_that_another_job_holds_is_busy():
    text = "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainSuspend)"
    assert type(translate(an_error(libvirt.VIR_ERR_OPERATION_TIMEOUT, text), "web-1", "it", effects=True)) is Busy
