#!/usr/bin/env bash
# KeePassXC's Secret Service: SearchItems while the database is locked.
# Expected: the specification has it return at once, with the items that are locked in the second list, for the caller to unlock or not.
# Seen: no answer within ten seconds, while it answers at once with the database open.
set -euo pipefail
VERSION=2.7.4+dfsg.1-2
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
needs=$(apt-get install --simulate --no-install-recommends "keepassxc=$VERSION" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vx keepassxc || true)
apt-get -qq download "keepassxc=$VERSION" $needs 2> /dev/null
for package in *.deb; do dpkg --extract "$package" root; done
mkdir --mode 700 run
mkdir -p home config/keepassxc
export HOME=$folder/home XDG_CONFIG_HOME=$folder/config XDG_RUNTIME_DIR=$folder/run TMPDIR=$folder/run QT_QPA_PLATFORM=offscreen NO_AT_BRIDGE=1
LD_LIBRARY_PATH=$(find "$folder/root" -path '*/lib/*-linux-gnu' -type d -print -quit)
export LD_LIBRARY_PATH
printf '[General]\nUpdateCheckMessageShown=true\n\n[FdoSecrets]\nEnabled=true\nConfirmAccessItem=false\n' > config/keepassxc/keepassxc.ini
cat > database.xml <<'DATABASE'
<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile>
  <Meta><Generator>KeePass</Generator><DatabaseName>Passwords</DatabaseName>
    <CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{11223344-5566-7788-99aa-bbccddeeff01}</Value></Item></CustomData>
  </Meta>
  <Root><Group><UUID>ESIzRFVmd4iZqrvM3e7/AQ==</UUID><Name>Root</Name></Group></Root>
</KeePassFile>
DATABASE
printf 'pw\npw\n' | root/usr/bin/keepassxc-cli import --set-password database.xml database.kdbx > /dev/null 2>&1
cat > try.sh <<'TRY'
search() { timeout 10 gdbus call --session --timeout 30 --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets --method org.freedesktop.Secret.Service.SearchItems '{"a": "b"}'; }
locked() { gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets/aliases/default --method org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Locked || true; }
"$1/root/usr/bin/keepassxc" --pw-stdin "$1/database.kdbx" > log 2>&1 < <(echo pw) & program=$!
gdbus wait --session --timeout 30 org.freedesktop.secrets
for _ in $(seq 400); do locked | grep -q false && break; sleep 0.2; done
echo "open: locked $(locked), $(search || echo "no answer within 10 s")"
"$1/root/usr/bin/keepassxc" --lock > /dev/null 2>&1
for _ in $(seq 100); do locked | grep -q false || break; sleep 0.2; done
echo "locked: locked $(locked), $(search || echo "no answer within 10 s")"
kill $program
TRY
dbus-run-session -- bash try.sh "$folder" 2> /dev/null | tee seen
grep -q '^open: .*(\[\], \[\])\|^open: .*(@ao \[\], @ao \[\])' seen
grep -q '^locked: .*no answer' seen
