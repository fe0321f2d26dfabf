"""Why a claim cannot be had yet, in the operator's words."""

from novacron.model.work.claim import Capacity, Claim


def reason_of(claim: Claim, limit: int | None) -> str:
    """Say what limits the claim; `limit` is how much there is for all together, None where there is no limit."""
    host = claim.host
    match claim.capacity:
        case Capacity.MIGRATIONS_OUT:
            return f"at most {limit} migrations leave {host} at once"
        case Capacity.MIGRATIONS_IN:
            return f"at most {limit} migrations come to {host} at once"
        case Capacity.STARTS:
            return f"at most {limit} VMs are started on {host} at once"
        case Capacity.DISK_COPIES:
            return f"at most {limit} disk copies run on {host} at once"
        case Capacity.MEMORY:
            return f"it needs {claim.amount} MiB on {host}, where {limit} MiB are free for all that begin there"
        case None:
            return f"{claim.resource} is taken"
