#!/usr/bin/env bash
# notify-osd: a notification that carries actions becomes a dialog window, and its id is 0.
# Expected: a server that does not list "actions" ignores them, as the Desktop Notifications specification allows, and answers an id
# greater than 0.
set -euo pipefail
VERSION=0.9.35+15.04.20150126-3+deb12u1
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq download "notify-osd=$VERSION" libwnck-3-0 libwnck-3-common 2> /dev/null
for package in *.deb; do dpkg --extract "$package" root; done
daemon=$(find root/usr/lib -name notify-osd -type f)
mkdir --mode 700 run
export HOME=$folder XDG_RUNTIME_DIR=$folder/run XDG_DATA_DIRS=$folder/root/usr/share:/usr/share NO_AT_BRIDGE=1
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
export GSETTINGS_SCHEMA_DIR=$folder/root/usr/share/glib-2.0/schemas
glib-compile-schemas "$GSETTINGS_SCHEMA_DIR" 2> /dev/null || unset GSETTINGS_SCHEMA_DIR

Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3> display 2> /dev/null &
until [ -s display ]; do sleep 0.1; done
export DISPLAY=:$(cat display)
cat > try.sh <<'TRY'
"$1" > log 2>&1 &
call() { gdbus call --session --dest org.freedesktop.Notifications --object-path /org/freedesktop/Notifications --method "org.freedesktop.Notifications.$@"; }
gdbus wait --session --timeout 20 org.freedesktop.Notifications && call GetServerInformation > server
call GetCapabilities > capabilities
call Notify app 0 '' Plain words '[]' '{}' 5000 > plain
call Notify app 0 '' Actions words "['yes', 'Yes']" '{}' 5000 > with-actions
for _ in $(seq 50); do xwininfo -root -tree > windows; grep -q '"app"' windows && break; sleep 0.1; done
TRY
dbus-run-session -- bash try.sh "$folder/$daemon" 2> /dev/null

echo "version: $VERSION, $(cat server)"
echo "capabilities: $(cat capabilities)"
echo "without actions: $(cat plain)"
echo "with actions: $(cat with-actions)"
echo "a window with a frame's title: $(grep -c '"app"' windows || true)"
! grep -q "'actions'" capabilities
grep -q 'uint32 [1-9]' plain
grep -q 'uint32 0' with-actions
grep -q '"app"' windows
