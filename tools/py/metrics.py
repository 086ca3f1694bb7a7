"""Reads figures in Prometheus' text format from standard input, as Prometheus' own client reads them,
and writes what it understood as JSON.

    curl -s http://127.0.0.1:9464/metrics | target/py/bin/python tools/py/metrics.py
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    if family.name in families:
        sys.exit(f"{family.name} is there twice")
    families[family.name] = {
        "type": family.type,
        "help": family.documentation,
        "samples": [
            {"name": s.name, "labels": s.labels, "value": s.value} for s in family.samples
        ],
    }
json.dump(families, sys.stdout)
