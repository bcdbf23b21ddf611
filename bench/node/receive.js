// Receives alerts with `ws` and asks the desktop for a notification of each: node receive.js SOCKET_URL

import dbus from "dbus-next";
import WebSocket from "ws";

const HEARTBEAT = 30_000;
const LONGEST_PAUSE = 30_000;

const url = process.argv[2];
const bus = dbus.sessionBus();
const service = await bus.getProxyObject("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
const notifications = service.getInterface("org.freedesktop.Notifications");
/** The newest pictures, for whoever would show them. */
const kept = [];
let attempts = 0;

connect();

function connect() {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  let heartbeat;

  socket.on("open", () => {
    attempts = 0;
    heartbeat = setInterval(() => say(socket, { type: "ping", timestamp: new Date().toISOString() }), HEARTBEAT);
  });
  socket.on("message", (data) => hear(socket, JSON.parse(data)));
  socket.on("error", () => {});
  socket.on("close", () => {
    clearInterval(heartbeat);
    setTimeout(connect, Math.min(1000 * 1.5 ** attempts, LONGEST_PAUSE));
    attempts += 1;
  });
}

function hear(socket, message) {
  switch (message.type) {
    case "ping":
      say(socket, { type: "pong", timestamp: new Date().toISOString() });
      break;
    case "anomaly_detected": {
      const picture = Buffer.from(message.annotated_frame, "base64");
      notify(message);
      say(socket, { type: "ack", stream_id: message.stream_id });
      kept.unshift({ message, picture });
      kept.length = Math.min(kept.length, 50);
      break;
    }
  }
}

function notify({ result, stream_id }) {
  const text = `Person ${result.person_id} at stream ${stream_id.slice(0, 8)}, confidence ${result.confidence}`;
  notifications.Notify("VisionGuard", 0, "", "Anomaly detected", text, [], {}, -1).catch(() => {});
}

function say(socket, message) {
  socket.send(JSON.stringify(message));
}
