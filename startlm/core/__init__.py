"""The ground: artifacts, contracts, settings, compute, durable writes, errors. Imports nothing of ours outside this folder."""
