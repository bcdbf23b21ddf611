"""A double of the original backend: its sign-in, its list and its socket, as far as a client meets them.

It stands in for the real one, which is not part of this project, so that the socket servers below FastAPI can be compared.
A socket is registered under its user; a second one takes the place without a word to the first, and when either ends the
registration goes. `POST /lab/alert` makes a detection as the pipeline would.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import time
import uuid
from datetime import datetime

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

USER = "14dafe75-5fbb-4246-8e58-bbab77b84705"
SHOP = "005f248a-c9e6-4c77-9758-24a497c1e9e2"
SECRET = b"only for this double"
PICTURE = base64.b64encode(open(os.environ["LAB_PICTURE"], "rb").read()).decode()

app = FastAPI()
rows: list[dict] = []
slots: dict[str, tuple[WebSocket, float, str]] = {}


def word(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(seconds: int, kind: str) -> str:
    now = int(time.time())
    claims = {"sub": USER, "email": "manager@shop.example", "role": "OWNER", "exp": now + seconds, "iat": now, "type": kind}
    head = word({"alg": "HS256", "typ": "JWT"}) + "." + word(claims)
    mark = hmac.new(SECRET, head.encode(), hashlib.sha256).digest()
    return head + "." + base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


def missing(path: str) -> JSONResponse:
    return JSONResponse({"error": "Not Found", "message": "The requested endpoint does not exist", "path": path}, 404)


@app.exception_handler(404)
async def nowhere(request: Request, _error: Exception) -> JSONResponse:
    return missing(request.url.path)


@app.get("/health")
async def health() -> dict:
    return {"status": "healthy"}


@app.post("/auth/login")
async def login() -> dict:
    user = {"id": USER, "name": "A Person", "email": "manager@shop.example", "role": "OWNER"}
    return {"access_token": token(3600, "access"), "refresh_token": token(604800, "refresh"), "token_type": "bearer", "user": user}


@app.get("/auth/me")
async def me() -> dict:
    return {"id": USER, "name": "A Person", "email": "manager@shop.example", "role": "OWNER", "created_at": "2026-01-01T00:00:00"}


@app.get("/shops")
async def shops() -> list:
    return [{"id": SHOP, "owner_id": USER, "name": "Main Street", "address": None, "cameras": [], "telegram_chat_id": None,
             "managers": [], "created_at": "2026-01-01T00:00:00", "updated_at": "2026-01-01T00:00:00"}]


@app.get("/api/anomalies")
async def anomalies(limit: int = 100, offset: int = 0) -> dict:
    newest = rows[::-1]
    return {"total": len(rows), "anomalies": newest[offset:offset + limit]}


@app.get("/ws/connections/{user}")
async def connection(user: str) -> object:
    if user not in slots:
        return missing(f"/ws/connections/{user}")
    _, opened, connected_at = slots[user]
    age, now = time.monotonic() - opened, datetime.now().isoformat()
    return {"user_id": user, "connected": True, "connected_at": connected_at, "uptime_seconds": age, "last_heartbeat": now,
            "seconds_since_heartbeat": 0.0}


@app.post("/lab/alert")
async def alert() -> dict:
    number, stream, now = len(rows) + 1, str(uuid.uuid4()), datetime.now().isoformat()
    details = {"bbox": None, "end_frame": 12, "person_id": number, "stream_id": stream, "start_frame": 1,
               "frame_number": 30 * number, "classification": "Abnormal"}
    rows.append({"id": str(uuid.uuid4()), "shop_id": SHOP, "timestamp": now, "location": "Stream " + stream[:8], "severity": "low",
                 "status": "pending", "description": f"Anomalous behavior detected (Person ID: {number}, Confidence: Low)",
                 "image_url": None, "anomaly_type": "suspicious_behavior", "confidence_score": 3.5, "resolved_by": None,
                 "resolved_at": None, "notes": None, "extra_data": details, "created_at": now, "updated_at": now})
    result = {"sequence_id": 0, "person_id": number, "start_frame": 1, "end_frame": 12, "score": -3.5, "is_abnormal": True,
              "classification": "Abnormal", "confidence": "Low", "frame_number": 30 * number, "scene_id": "live", "clip_id": stream, "stream_id": stream, "user_id": USER}
    message = {"type": "anomaly_detected", "user_id": USER, "stream_id": stream, "result": result, "annotated_frame": PICTURE, "frame_format": "jpeg"}
    if USER in slots:
        await slots[USER][0].send_json(message)
    return {"delivered": USER in slots}


@app.websocket("/ws/alerts/{user}")
async def alerts(socket: WebSocket, user: str) -> None:
    if user != USER or not socket.query_params.get("token"):
        await socket.close(1008)
        return
    await socket.accept()
    slots[user] = (socket, time.monotonic(), datetime.now().isoformat())

    async def pings() -> None:
        while True:
            await asyncio.sleep(30)
            await socket.send_json({"type": "ping", "timestamp": datetime.now().isoformat()})

    task = asyncio.create_task(pings())
    try:
        while True:
            message = await socket.receive_json()
            if message.get("type") == "ping":
                await socket.send_json({"type": "pong", "timestamp": datetime.now().isoformat()})
    except WebSocketDisconnect:
        pass
    finally:
        task.cancel()
        slots.pop(user, None)
