#!/bin/bash
# A sensor that reports in lines: one JSON object a line on standard output is one event.
# Changes of its rules come as JSON lines on standard input; this one does not read them, and reports to every rule of its trigger.
count=0
while sleep "${ATTUNE_SENSOR_CONFIG_EVERY:-1}"; do
	count=$((count + 1))
	printf '{"payload": {"count": %d}}\n' "$count"
done
