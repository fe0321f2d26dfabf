# Each target is one script, for those who have no make.
.PHONY: check test demo bench format
check:
	@scripts/check
test:
	@scripts/test
demo:
	@scripts/demo
bench:
	@scripts/bench
format:
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .
