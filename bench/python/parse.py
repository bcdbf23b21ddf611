"""Parses one alert and decodes its picture, again and again: python parse.py MESSAGE_FILE. Prints the median, in nanoseconds."""

import base64
import json
import sys
from statistics import median
from time import perf_counter_ns

WARM_UP = 50
ROUNDS = 500

with open(sys.argv[1], "rb") as file:
    message = file.read()
times = []
for turn in range(WARM_UP + ROUNDS):
    began = perf_counter_ns()
    alert = json.loads(message)
    picture = base64.b64decode(alert["annotated_frame"])
    took = perf_counter_ns() - began
    assert alert["type"] == "anomaly_detected" and picture[0] == 0xFF
    if turn >= WARM_UP:
        times.append(took)
print(int(median(times)))
