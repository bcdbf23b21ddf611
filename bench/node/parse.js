// Parses one alert and decodes its picture, again and again: node parse.js MESSAGE_FILE. Prints the median, in nanoseconds.

import { readFileSync } from "node:fs";

const WARM_UP = 300;
const ROUNDS = 1_000;

const message = readFileSync(process.argv[2]);
const times = [];
for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
  const began = process.hrtime.bigint();
  const alert = JSON.parse(message);
  const picture = Buffer.from(alert.annotated_frame, "base64");
  const took = process.hrtime.bigint() - began;
  if (alert.type !== "anomaly_detected" || picture[0] !== 0xff) throw new Error("this is no alert");
  if (round >= WARM_UP) times.push(Number(took));
}
times.sort((a, b) => a - b);
console.log(times[ROUNDS / 2]);
