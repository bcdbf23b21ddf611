// The alert list as a web client: the record first, then the socket, whose pictures are decoded here. Reconnects as the
// backend's own web client does.

const HEARTBEAT = 30_000;
const LONGEST_PAUSE = 30_000;
const PAGE = 500;

const list = document.querySelector("ul");
const template = document.querySelector("template");
const status = document.querySelector("[data-status]");

const { access_token: token, user } = await post("/auth/login", { email: "manager@shop.example", password: "open sesame 1" });
await showRecord();
let attempts = 0;
connect();

async function showRecord() {
  for (const shop of await get("/shops")) {
    for (let offset = 0, total = 1; offset < total; offset += PAGE) {
      const page = await get(`/api/anomalies?shop_id=${shop.id}&limit=${PAGE}&offset=${offset}`);
      total = page.total;
      const rows = page.anomalies.map((row) =>
        item(row.location, row.description, row.timestamp, `${row.image_url.replace("/api/anomalies/frames", "/api/images")}?token=${token}`),
      );
      list.append(...rows);
    }
  }
}

function connect() {
  const socket = new WebSocket(`ws://${location.host}/ws/alerts/${user.id}?token=${token}`);
  let heartbeat;
  socket.onopen = () => {
    attempts = 0;
    show("Connected");
    heartbeat = setInterval(() => say(socket, { type: "ping", timestamp: new Date().toISOString() }), HEARTBEAT);
  };
  socket.onmessage = ({ data }) => hear(socket, JSON.parse(data));
  socket.onclose = () => {
    clearInterval(heartbeat);
    show("Disconnected");
    setTimeout(connect, Math.min(1000 * 1.5 ** attempts, LONGEST_PAUSE));
    attempts += 1;
  };
}

function show(word) {
  status.textContent = word;
  status.dataset.status = word.toLowerCase();
}

function hear(socket, message) {
  switch (message.type) {
    case "ping":
      say(socket, { type: "pong", timestamp: new Date().toISOString() });
      break;
    case "anomaly_detected": {
      const { result, stream_id } = message;
      const picture = URL.createObjectURL(new Blob([decoded(message.annotated_frame)], { type: "image/jpeg" }));
      const text = `Anomalous behavior detected (Person ID: ${result.person_id}, Confidence: ${result.confidence})`;
      list.prepend(item(`Stream ${stream_id.slice(0, 8)}`, text, new Date().toISOString(), picture));
      say(socket, { type: "ack", stream_id });
      break;
    }
  }
}

function decoded(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function item(place, text, at, picture) {
  const made = template.content.cloneNode(true).firstElementChild;
  made.querySelector("img").src = picture;
  made.querySelector("strong").textContent = place;
  made.querySelector("p").textContent = `${text}, ${at}`;
  return made;
}

function say(socket, message) {
  socket.send(JSON.stringify(message));
}

async function get(path) {
  return (await fetch(path, { headers: { Authorization: `Bearer ${token}` } })).json();
}

async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}
