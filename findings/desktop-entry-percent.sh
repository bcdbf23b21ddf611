#!/usr/bin/env bash
# GLib and dex: a program whose path holds a percent sign, in Exec of a desktop entry, where it is written as %%.
# Expected by the Desktop Entry specification: "a literal percentage character must be escaped as %%"; the program is started.
# Seen: GLib looks for a program of the doubled name and so knows no such entry; dex starts the doubled name, which nobody has.
set -euo pipefail
GLIB=2.74.6-2+deb12u9 DEX=0.9.0-2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq download "libglib2.0-0=$GLIB" "libglib2.0-bin=$GLIB" "dex=$DEX" 2> /dev/null
for package in *.deb; do dpkg --extract "$package" root; done
libraries=$(dirname "$(find "$folder/root" -name 'libgio-2.0.so.0')")
export HOME=$folder

entry() { printf '[Desktop Entry]\nType=Application\nName=Program\nExec="%s" %s\n' "$2" "$3" > "$1.desktop"; }
gio() { LD_LIBRARY_PATH=$libraries "$folder/root/usr/bin/gio" launch "$1.desktop" 2>&1 || true; }
dex() { python3 "$folder/root/usr/bin/dex" "$1.desktop" 2>&1 | tail -n 1 || true; }
# What was started, with what; the program writes it down.
ran() { for _ in $(seq 30); do [ -s ran ] && break; sleep 0.1; done; cat ran 2> /dev/null || echo nothing; rm -f ran; }

mkdir '50% off'
printf '#!/bin/sh\necho "$0" "$@" > "%s/ran"\n' "$folder" | tee '50% off/program' > program
chmod +x '50% off/program' program
entry path "$folder/50%% off/program" one
entry word "$folder/program" 50%%

# The same percent sign in an argument shows that GLib knows the rule.
said=$(gio word) word_gio=$(ran)
dex word > /dev/null; word_dex=$(ran)
said=$(gio path) path_gio=$(ran)
said_dex=$(dex path) path_dex=$(ran)
echo "GLib $GLIB, argument 50%%: ${word_gio#"$folder/"}"
echo "dex $DEX, argument 50%%: ${word_dex#"$folder/"}"
echo "GLib $GLIB, program in '50% off': ${path_gio#"$folder/"} ($said)"
echo "dex $DEX, program in '50% off': ${path_dex#"$folder/"} ($said_dex)"
[ "$word_gio" = "$folder/program 50%" ]
[ "$word_dex" = "$folder/program 50%%" ]
[ "$path_gio" = nothing ]
[ "$path_dex" = nothing ]
