#!/usr/bin/env bash
# xfce4-notifyd: ids of notifications begin anew when the daemon restarts, and CloseNotification closes whoever has one now.
# Expected: the specification gives an id no owner and no lifetime; a program that kept an id closes another program's popup.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
mkdir --mode 700 run
export HOME=$folder XDG_RUNTIME_DIR=$folder/run NO_AT_BRIDGE=1
apt-get -qq download xfce4-notifyd=0.7.3-1 2> /dev/null
for package in *.deb; do dpkg --extract "$package" root; done
Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3> display 2> /dev/null &
until [ -s display ]; do sleep 0.1; done
export DISPLAY=:$(cat display)
cat > try.sh <<'TRY'
call() { gdbus call --session --dest org.freedesktop.Notifications --object-path /org/freedesktop/Notifications --method "org.freedesktop.Notifications.$@"; }
id() { grep -o '[0-9]*,)' | tr -d ',)'; }
begin() { "$daemon" > log 2>&1 & process=$!; gdbus wait --session --timeout 20 org.freedesktop.Notifications; }
daemon=$1
begin
call GetServerInformation
first=$(call Notify one 0 '' A a '[]' '{}' 60000 | id)
kill -KILL $process; wait $process 2> /dev/null || true
begin
second=0
# Another program's popups, until one has the id that ours had.
for _ in 1 2 3 4 5; do [ "$second" -ge "$first" ] || second=$(call Notify two 0 '' B b '[]' '{}' 60000 | id); done
gdbus monitor --session --dest org.freedesktop.Notifications > closed & monitor=$!
sleep 1
call CloseNotification "$first" > /dev/null
for _ in $(seq 30); do grep -q NotificationClosed closed && break; sleep 0.1; done
echo "  id before: $first, another program's after the restart: $second; $(grep -o 'NotificationClosed (.*' closed || echo 'not closed')"
kill $process $monitor
[ "$first" = "$second" ] && grep -q "NotificationClosed (uint32 $first" closed
TRY
dbus-run-session -- bash try.sh "$(find "$folder/root" -path "*/notifyd/xfce4-notifyd" -type f)" 2> /dev/null
