"""Runs many seeds on every core, or one with its trace: scripts/soak."""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter

from tests.simulation.scenario import Result, run

_PROGRESS_EVERY = 500


def report(result: Result) -> str:
    """Return a failing run as text: its seed, how to repeat it, its trace, and what was broken."""
    broken = "\n".join(f"  {line}" for line in result.violations)
    trace = "\n".join(result.trace)
    return f"{trace}\n\nseed {result.seed} breaks promises (repeat it: scripts/soak --seed {result.seed}):\n{broken}"


def _attempt(seed: int) -> Result:
    try:
        return run(seed)
    except Exception as error:  # noqa: BLE001 - a run that breaks is a finding like any other
        text = f"the run itself failed: {type(error).__name__}: {error}"
        return Result(seed=seed, trace=(), violations=(text,), kinds=Counter(), attributed=0, deaths=0)


def main() -> int:
    """Run what the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one, and print its trace")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        result = run(chosen.seed)
        print(report(result) if result.violations else "\n".join(result.trace))
        return 1 if result.violations else 0
    return _run_many(range(chosen.first, chosen.first + chosen.seeds))


def _run_many(seeds: range) -> int:
    began_at, failed, deaths, effects = time.monotonic(), [], 0, 0
    kinds: Counter[str] = Counter()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for number, result in enumerate(pool.imap_unordered(_attempt, seeds, chunksize=4), start=1):
            kinds.update(result.kinds)
            deaths, effects = deaths + result.deaths, effects + result.attributed
            if result.violations:
                failed.append(result.seed)
                print(f"seed {result.seed}: {'; '.join(result.violations)}", flush=True)
            if number % _PROGRESS_EVERY == 0 or number == len(seeds):
                took_s = time.monotonic() - began_at
                print(f"{number} of {len(seeds)} seeds, {len(failed)} failed, {took_s:.0f} s", flush=True)
    operations = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    print(f"{deaths} backends killed, {effects} effects, {kinds.total()} operations: {operations}")
    if failed:
        print(f"failing seeds: {' '.join(map(str, sorted(failed)))}; repeat one: scripts/soak --seed N")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
