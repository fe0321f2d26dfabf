# Each target is one script, for those who have no make.
.PHONY: check test demo bench soak format screenshots clean

check:
	@scripts/check
test:
	@scripts/test
demo:
	@scripts/demo
bench:
	@scripts/bench
soak:
	@scripts/soak
format:
	@scripts/format
screenshots:
	@scripts/screenshots
clean:
	@rm -rf .venv .setup.lock .setup.log .mypy_cache .ruff_cache .pytest_cache .hypothesis
