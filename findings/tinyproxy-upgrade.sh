#!/usr/bin/env bash
# tinyproxy as a reverse proxy: a request to upgrade to a WebSocket arrives at the server without its Upgrade header.
# Expected: a reverse proxy passes the upgrade on, or refuses it; here the server sees an ordinary GET.
set -euo pipefail
VERSION=1.11.1-2.1+deb12u1
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq download "tinyproxy-bin=$VERSION" 2> /dev/null
dpkg --extract tinyproxy-bin_*.deb root

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
server=$(free) proxy=$(free)
cat > server.py <<'SERVER'
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        lines = []
        while (line := self.rfile.readline().decode().strip()):
            lines.append(line)
        open("seen", "w").write("\n".join(lines) + "\n")
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
SERVER
python3 server.py "$server" &
printf 'Port %s\nListen 127.0.0.1\nReverseOnly Yes\nReverseMagic Yes\nReversePath "/" "http://127.0.0.1:%s/"\n' "$proxy" "$server" > settings
root/usr/bin/tinyproxy -d -c settings > log 2>&1 &
ask() {
  curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "http://127.0.0.1:$proxy/ws"
}
for _ in $(seq 50); do answer=$(ask || true); [ "$answer" = 200 ] && break; sleep 0.1; done

echo "version: $(root/usr/bin/tinyproxy -v), package $VERSION"
echo "answer: $answer; what the server saw:"
sed 's/^/  /' seen
[ "$answer" = 200 ]
grep -qi '^sec-websocket-key' seen
! grep -qi '^upgrade' seen
