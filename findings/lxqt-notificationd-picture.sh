#!/usr/bin/env bash
# lxqt-notificationd: a notification with its picture in both image-path and image_path, as is good for old and new services.
# Expected: it says that it follows version 1.2 of the specification, which names image-path; and hints that are not known are ignored.
# Seen: only image_path, as in version 1.1, is drawn; and with image-path beside it nothing is.
set -euo pipefail
VERSION=1.2.0-1
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
needs=$(apt-get install --simulate --no-install-recommends "lxqt-notificationd=$VERSION" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vx lxqt-notificationd || true)
apt-get -qq download "lxqt-notificationd=$VERSION" $needs 2> /dev/null
for package in *.deb; do dpkg --extract "$package" root; done
mkdir --mode 700 run
export HOME=$folder XDG_RUNTIME_DIR=$folder/run XDG_DATA_DIRS=$folder/root/usr/share:/usr/share NO_AT_BRIDGE=1
libraries=$(find root -path '*/lib/*-linux-gnu' -type d -print -quit)
export LD_LIBRARY_PATH=$folder/$libraries

Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3> display 2> /dev/null &
until [ -s display ]; do sleep 0.1; done
export DISPLAY=:$(cat display)
python3 - <<'PICTURE'
import struct, zlib
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = (b"\0" + b"\xff\0\xc8" * 64) * 64
open("picture.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
                                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PICTURE
cat > try.sh <<'TRY'
call() { gdbus call --session --dest org.freedesktop.Notifications --object-path /org/freedesktop/Notifications --method "org.freedesktop.Notifications.$@"; }
# How many points of the display have the picture's colour, once they have stopped changing.
points() {
  local before=-1 now=-2 same=0
  for _ in $(seq 60); do
    now=$(import -silent -window root -depth 8 rgb:- | python3 -c 'import sys; d = sys.stdin.buffer.read(); print(sum(d[i:i+3] == b"\xff\0\xc8" for i in range(0, len(d), 3)))')
    if [ "$now" = "$before" ]; then same=$((same + 1)); else same=0; fi
    [ $same -ge 4 ] && break
    before=$now
    sleep 0.2
  done
  echo "$now"
}
"$1/root/usr/bin/lxqt-notificationd" > log 2>&1 & daemon=$!
gdbus wait --session --timeout 20 org.freedesktop.Notifications
call GetServerInformation
file="<'$1/picture.png'>"
for hints in "{'image_path': $file}" "{'image-path': $file}" "{'image-path': $file, 'image_path': $file}"; do
  id=$(call Notify app 0 '' Summary words '[]' "$hints" 60000 | grep -o '[0-9]*,)' | tr -d ',)')
  count=$(points)
  echo "$count points of the picture with $(echo "$hints" | grep -o "image.path" | xargs)"
  echo "$count" >> counts
  call CloseNotification "$id" > /dev/null
  for _ in $(seq 50); do [ "$(points)" = 0 ] && break; done
done
kill $daemon
TRY
dbus-run-session -- bash try.sh "$folder" 2> /dev/null
mapfile -t counts < counts
[ "${counts[0]}" -gt 1000 ]
[ "${counts[1]}" = 0 ]
[ "${counts[2]}" = 0 ]
