#!/usr/bin/env python3
"""Makes the sounds: `python3 crates/sound/sounds/make.py` writes the .wav files beside itself, byte for byte the same each time.

Each is a list of notes, struck like a bell: when it begins in seconds, its pitch in hertz, and how long it rings until little
is left of it. The alert is two notes that rise, to be noticed without a start; the urgent one repeats three, quicker and
brighter, to be heard over a shop.
"""

import math
import struct
import wave
from pathlib import Path

RATE = 22_050
PEAK = 0.89

SOUNDS = {
    "alert": [(0.0, 659.26, 0.35), (0.16, 880.0, 0.5)],
    "urgent": [
        (start + at, pitch, rings)
        for start in (0.0, 0.42)
        for at, pitch, rings in ((0.0, 880.0, 0.16), (0.11, 1108.73, 0.16), (0.22, 1318.51, 0.3))
    ],
}
# The partials of a struck bar, each softer and sooner gone than the one below it.
PARTIALS = [(1.0, 1.0, 1.0), (2.0, 0.35, 0.7), (3.01, 0.15, 0.45), (4.1, 0.06, 0.3)]


def note(pitch, rings, since):
    """One note so many seconds after it was struck."""
    if since < 0.0:
        return 0.0
    strike = min(1.0, since / 0.004)
    return strike * sum(
        loud * math.exp(-4.6 * since / (rings * lasts)) * math.sin(2 * math.pi * pitch * times * since)
        for times, loud, lasts in PARTIALS
    )


def sound(notes):
    """The samples of a sound between -PEAK and PEAK; the last hundredth of a second fades to nothing."""
    ends = max(start + rings for start, _, rings in notes)
    count = round(ends * RATE)
    samples = [sum(note(pitch, rings, i / RATE - start) for start, pitch, rings in notes) for i in range(count)]
    fade = RATE // 100
    samples = [sample * min(1.0, (count - 1 - i) / fade) for i, sample in enumerate(samples)]
    loudest = max(abs(sample) for sample in samples)
    return [sample * PEAK / loudest for sample in samples]


for name, notes in SOUNDS.items():
    with wave.open(str(Path(__file__).with_name(f"{name}.wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", round(sample * 32_767)) for sample in sound(notes)))
