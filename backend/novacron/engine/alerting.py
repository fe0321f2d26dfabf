"""Keeps the list of alerts: asks the pure rules at most once a second, and tells the hub when it changed."""

from collections.abc import Callable

from novacron.engine.ledger import Ledger
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.model.alert.alert import Alert
from novacron.model.alert.conditions import BackendFaults
from novacron.model.alert.rules import Ask, Watchlist, evaluate
from novacron.ports.clock import Clock


class Alerting:
    """The one writer of alerts."""

    def __init__(
        self,
        store: FleetStore,
        ledger: Ledger,
        clock: Clock,
        settings: EngineSettings,
        on_change: Callable[[tuple[Alert, ...]], None],
        faults: Callable[[], BackendFaults],
        ask: Ask,
    ) -> None:
        """`ask` asks one rule, and returns None when it failed: one that does must not silence the others."""
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._on_change = on_change
        self._faults = faults
        self._ask = ask
        self._watchlist = Watchlist()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that hold, worst and newest first, then those cleared lately."""
        return self._watchlist.alerts

    async def run(self) -> None:
        """Evaluate for ever. By time too: "unreachable for five seconds" comes true without any news."""
        while True:
            self.evaluate()
            await self._clock.sleep(self._settings.alert_interval_s)

    def evaluate(self) -> None:
        """Ask the rules once."""
        before = self._watchlist
        self._watchlist = evaluate(
            self._store.fleet,
            self._ledger.operations,
            before,
            self._clock.now(),
            self._settings.thresholds,
            faults=self._faults(),
            ask=self._ask,
        )
        if self._watchlist.alerts != before.alerts:
            self._on_change(self._watchlist.alerts)
