"""NovaCron without a screen: model, ports, engine, adapters, API, lab and command line."""

__version__ = "0.1.0"
