"""What Benchmarks/compare consists of; compare.py puts the parts together.

machine    processors, ports, and what is told about the machine
servers    the programs under test: how each is started, asked whether it is ready, and stopped
identities certificates and keys for those that are reached by TLS and DTLS
scenarios  the table of what is measured, and what is promised of it
rounds     one round after the other: generator against server, repeated when others disturbed
tally      what has been seen: values of each round, notes, ratios
verdicts   ratios against promises
report     the Markdown table and the JSON
progress   the line that says how long it will take
"""
