"""What changes is encoded once for all clients; whoever applies it, in whatever order it is cut, has what there is."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from novacron.api import fleet_feed
from novacron.api.codec import kind_of
from novacron.api.fleet_feed import FleetFeed
from novacron.api.fleet_mirror import FleetMirror, OutOfStep, messages_of
from novacron.api.list_feed import ListFeed
from novacron.model.operation import Operation, OperationState
from novacron.model.vm import VmState, VmUsage
from novacron.ports.backend import FleetChanged, OperationsChanged
from tests.builders import a_fleet, a_host, a_vm
from tests.operation_builders import an_operation

_HOSTS = ("kvm-1", "kvm-2", "kvm-3")
_VMS = ("web-1", "web-2", "db-1")
_host = st.tuples(
    st.sampled_from(_HOSTS),
    st.none()
    | st.lists(
        st.tuples(st.sampled_from(_VMS), st.sampled_from(list(VmState)), st.none() | st.floats(0, 400)),
        max_size=3,
        unique_by=lambda one: one[0],
    ),
)
_fleets = st.lists(_host, max_size=3, unique_by=lambda one: one[0])


def _fleet(hosts, revision):
    return a_fleet(*(_made(name, vms) for name, vms in hosts), revision=revision)


def _made(name, vms):
    told = (a_vm(vm, state=state, usage=VmUsage(cpu_percent=cpu)) for vm, state, cpu in vms or ())
    host = a_host(name, *told)
    return host if vms is not None else replace(host, reading=None)


def texts_of(feed, told, fleet):
    """Return the messages of all bundles."""
    return [text for frame in feed.messages(told, fleet) for text in messages_of(frame)]


class Reader:
    """A client that loses messages, and asks for everything anew when it notices."""

    def __init__(self):
        self.mirror, self.told, self.fleet = FleetMirror(), None, None

    def read(self, feed, fleet, loses):
        texts, self.told = texts_of(feed, self.told, fleet), feed.step
        for text in texts:
            if loses():
                continue
            try:
                change = self.mirror.take(text)
            except OutOfStep:
                self.mirror, self.told = FleetMirror(), None
                return
            if change is not None:
                self.fleet = change.fleet


@settings(deadline=None)
@given(st.lists(_fleets, min_size=1, max_size=6), st.data())
def test_any_interleaving_of_changes_losses_and_resyncs_ends_with_what_there_is(shown, data):
    feed, readers = FleetFeed(), [Reader(), Reader()]
    for revision, hosts in enumerate(shown):
        fleet = _fleet(hosts, revision)
        for reader in readers:
            if data.draw(st.booleans()):
                reader.read(feed, fleet, lambda: data.draw(st.booleans()))
    last = _fleet([("kvm-1", [("web-1", VmState.RUNNING, None)])], 99)
    for reader in readers:
        for _ in range(2):
            # A reader that lost a step hears of it with the step that follows, and asks again then.
            last = last.with_hosts([replace(last.hosts["kvm-1"])], last.revision + 1)
            reader.read(feed, last, lambda: False)
        reader.read(feed, last, lambda: False)
        assert FleetChanged(fleet=reader.fleet) == FleetChanged(fleet=last)
        assert list(reader.fleet.hosts) == list(last.hosts)


def _big_fleet():
    return a_fleet(*(a_host(f"kvm-{n}", *(a_vm(f"vm-{n}-{m}") for m in range(20))) for n in range(500)))


def _with_one_vm_paused(fleet):
    host = fleet.hosts["kvm-250"]
    vm, *others = host.reading.vms
    reading = replace(host.reading, vms=(replace(vm, state=VmState.PAUSED), *others))
    return fleet.with_host(replace(host, reading=reading))


def test_one_vms_change_among_ten_thousand_is_encoded_once_for_a_hundred_clients_and_is_small():
    fleet, feed = _big_fleet(), FleetFeed()
    clients = 100
    for _ in range(clients):
        feed.messages(None, fleet)
    encoded = feed.encoded
    assert encoded == 500
    after = _with_one_vm_paused(fleet)
    sent = [feed.messages(1, after) for _ in range(clients)]
    assert feed.encoded == encoded + 1
    assert all(len(messages) == 1 and messages[0] is sent[0][0] for messages in sent)
    assert len(sent[0][0]) < 220


def test_a_new_client_costs_no_encoding_while_the_last_whole_fleet_can_be_brought_up_to_date():
    fleet, feed = _big_fleet(), FleetFeed()
    feed.messages(None, fleet)
    after = _with_one_vm_paused(fleet)
    feed.messages(feed.step, after)
    encoded, mirror = feed.encoded, FleetMirror()
    changes = [mirror.take(text) for text in texts_of(feed, None, after)]
    assert feed.encoded == encoded
    assert changes[-1] == FleetChanged(fleet=after)
    assert changes[-1].changed_hosts is None
    # The fleet of some steps ago is not shown.
    assert not any(changes[:-1])


def test_a_large_fleet_comes_in_parts_that_are_quick_to_read():
    bundles = FleetFeed().messages(None, _big_fleet())
    texts = [text for bundle in bundles for text in messages_of(bundle)]
    assert len(texts) > 100
    assert max(map(len, texts)) < 80_000
    assert sum(map(len, bundles)) < sum(map(len, texts)) / 8


def test_steps_are_kept_up_to_a_bound_and_who_is_further_behind_is_sent_everything(monkeypatch):
    monkeypatch.setattr(fleet_feed, "_KEPT_STEPS", 3)
    fleet, feed, mirror = a_fleet(a_host("kvm-1", *(a_vm(f"vm-{m}") for m in range(20)))), FleetFeed(), FleetMirror()
    for text in texts_of(feed, None, fleet):
        mirror.take(text)
    told = feed.step
    for _ in range(10):
        fleet = fleet.with_host(replace(fleet.hosts["kvm-1"]))
        feed.messages(feed.step, fleet)
    assert len(feed._steps) == 3
    assert kind_of(feed.messages(told, fleet)[0]) == "resync"
    assert [mirror.take(text) for text in texts_of(feed, told, fleet)][-1] == FleetChanged(fleet=fleet)


def test_what_a_step_changed_is_named_and_the_rest_stays_the_same_objects():
    fleet, feed, mirror = _big_fleet(), FleetFeed(), FleetMirror()
    *_, first = [mirror.take(text) for text in texts_of(feed, None, fleet)]
    after = _with_one_vm_paused(fleet)
    (second,) = [mirror.take(text) for text in texts_of(feed, feed.step, after)]
    assert first.changed_hosts is None
    assert second.changed_hosts == {"kvm-250"}
    assert second.fleet == after
    assert sum(second.fleet.hosts[name] is not host for name, host in first.fleet.hosts.items()) == 1
    before, now = (one.fleet.hosts["kvm-250"].reading.vms for one in (first, second))
    assert [was is vm for was, vm in zip(before, now, strict=True)] == [False, *[True] * 19]


_states = st.sampled_from(list(OperationState))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from("abcde"), _states), max_size=5, unique_by=lambda one: one[0])),
    st.data(),
)
def test_a_list_told_by_differences_is_the_list(shown, data):
    feed, mirror, told = ListFeed("operations", Operation, lambda one: one.id), FleetMirror(), None
    now = None
    for states in shown:
        operations = tuple(replace(an_operation(), id=name, state=state) for name, state in states)
        texts = feed.messages(told, operations)
        told = feed.step
        if data.draw(st.booleans()):
            told = None
            continue
        try:
            for text in texts:
                now = mirror.take(text)
            assert now == OperationsChanged(operations=operations)
        except OutOfStep:
            told = None


def test_one_operations_change_is_encoded_once_for_a_hundred_clients():
    feed = ListFeed("operations", Operation, lambda one: one.id)
    before = tuple(replace(an_operation(), id=f"op-{number}") for number in range(200))
    for _ in range(100):
        feed.messages(None, before)
    assert feed.encoded == 200
    after = (replace(before[0], outcome="done"), *before[1:])
    sent = [feed.messages(1, after) for _ in range(100)]
    assert feed.encoded == 201
    assert kind_of(sent[0][0]) == "operations"
    assert '"order":null' in sent[0][0]
    newer = (replace(an_operation(), id="op-new"), *after[:-1])
    (text,) = feed.messages(2, newer)
    assert '"order":null' in text
    assert '"gone":["op-199"]' in text
