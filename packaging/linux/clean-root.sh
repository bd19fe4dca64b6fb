#!/usr/bin/env bash
# What a person does with the package, on a Debian that has never seen it: install, run, use, remove.
#
#   clean-root.sh PACKAGE.deb [FOLDER]
#
# Called by `cargo xtask bundle --check` as root, in a mount and process namespace of its own: whatever it mounts or
# starts ends with it. Without FOLDER the Debian is made in a temporary folder and removed; a given one is kept and
# used again. SUITE (bookworm) and MIRROR choose another Debian.
set -euo pipefail

package=$(realpath "$1")
kept=${2:-}
suite=${SUITE:-bookworm}
scratch=$(mktemp -d)
if [ -n "$kept" ]; then
    mkdir -p "$kept"
    root=$(realpath "$kept")
else
    root=$scratch/root
    mkdir "$root"
fi

say() { printf '\n--- %s\n' "$*"; }
fail() { printf '\nFAILED: %s\n' "$*" >&2; exit 1; }

# The root goes only when nothing is mounted in it any more, and never across a file system's border.
clean_up() {
    local result=$?
    for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
    for folder in tmp/.X11-unix dev/shm dev/pts proc; do umount --lazy "$root/$folder" 2>/dev/null || true; done
    if grep --quiet --fixed-strings " $root/" /proc/self/mountinfo; then
        printf 'left %s: something is still mounted there\n' "$root" >&2
    else
        rm -rf --one-file-system "$scratch"
    fi
    exit "$result"
}
processes=()
trap clean_up EXIT
mount --make-rprivate /

# Until a condition holds; only a program that has ended, or a person, ends the waiting.
wait_for() {
    local process=$1
    shift
    until "$@"; do
        kill -0 "$process" 2>/dev/null || fail "it ended while waiting for: $*"
        sleep 0.2
    done
}

inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} "$@"; }

# As a person would: no rights, a home of their own.
as_someone() { exec chroot --userspec=1000:1000 "$root" env -i HOME=/home/someone USER=someone PATH=/usr/bin:/bin \
    LANG=C.UTF-8 XDG_RUNTIME_DIR=/run/user/1000 "$@"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Every file with its content, less what a package manager writes down for itself and what belongs to a user.
files() (
    cd "$root"
    besides=(-path ./home -o -path ./tmp -o -path ./run -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/apt
        -o -path ./var/lib/dpkg)
    {
        find . -xdev \( "${besides[@]}" \) -prune -o -printf '%p %y %m %l\n'
        find . -xdev \( "${besides[@]}" \) -prune -o -type f -print0 | xargs --null md5sum
    } | LC_ALL=C sort
)

say "a minimal Debian ($suite) in $root"
if [ ! -e "$root/etc/debian_version" ]; then
    debootstrap --variant=minbase "$suite" "$root" ${MIRROR:+"$MIRROR"} >"$scratch/debootstrap.log" 2>&1 ||
        { tail -n 20 "$scratch/debootstrap.log"; fail "debootstrap"; }
fi
# Security updates lie beside the mirror that debootstrap took.
[ -e "$root/etc/apt/sources.list.d/security.list" ] ||
    sed --quiet 's|^deb \([^ ]*\) .*|deb \1-security '"$suite"'-security main|p' "$root/etc/apt/sources.list" \
        >"$root/etc/apt/sources.list.d/security.list"
[ -d "$root/home/someone" ] || chroot "$root" useradd --create-home --uid 1000 someone
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/pts" "$root/dev/shm" "$root/run/user/1000"
mount -t devpts -o gid=5,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
chown 1000:1000 "$root/run/user/1000"
rm -rf --one-file-system "$root/home/someone"
install --directory --owner=1000 --group=1000 "$root/home/someone"
cp "$package" "$root/llmflow.deb"

say "installed: apt finds all it depends on"
inside apt-get update --quiet=2
inside dpkg --purge llmflow 2>/dev/null
inside apt-get install --yes --quiet=2 --no-install-recommends /llmflow.deb >"$scratch/apt.log" 2>&1 ||
    { tail -n 20 "$scratch/apt.log"; fail "apt-get install"; }
for program in llmflow llmflow-desktop; do
    libraries=$(inside ldd "/usr/bin/$program")
    ! grep --fixed-strings 'not found' <<<"$libraries" || fail "$program lacks a library"
done
for path in usr/share/applications/llmflow.desktop usr/share/metainfo/io.llmflow.desktop.metainfo.xml; do
    [ -s "$root/$path" ] || fail "no $path"
done
desktop-file-validate "$root/usr/share/applications/llmflow.desktop"
appstreamcli validate --no-net --explain "$root/usr/share/metainfo/io.llmflow.desktop.metainfo.xml" ||
    fail "the AppStream data is not valid"
for size in 16 24 32 48 64 128 256 512; do
    [ -s "$root/usr/share/icons/hicolor/${size}x$size/apps/llmflow-desktop.png" ] || fail "no icon of $size px"
done

say "removed and listed, then installed again"
inside apt-get purge --yes --quiet=2 llmflow >>"$scratch/apt.log" 2>&1
# What any desktop has: a session bus.
inside apt-get install --yes --quiet=2 --no-install-recommends dbus >>"$scratch/apt.log" 2>&1
inside rm /llmflow.deb
files >"$scratch/before"
cp "$package" "$root/tmp/llmflow.deb"
inside apt-get install --yes --quiet=2 --no-install-recommends /tmp/llmflow.deb >>"$scratch/apt.log" 2>&1
(as_someone llmflow --version)

say "headless: a call goes through and is recorded"
python3 - "$scratch/upstream.port" <<'PYTHON' &
import http.server, sys

ANSWER = (b'{"id":"1","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"stop",'
          b'"message":{"role":"assistant","content":"hello"}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}')

class Upstream(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Upstream)
open(sys.argv[1], "w").write(f"{server.server_port}\n")
server.serve_forever()
PYTHON
upstream=$!
processes+=("$upstream")
wait_for "$upstream" test -s "$scratch/upstream.port"
dashboard=$(free_port)
proxy=$(free_port)
settings=("DASHBOARD_PORT=$dashboard" "PROXY_PORT=$proxy"
    "LLMFLOW_UPSTREAM_OPENAI=http://127.0.0.1:$(cat "$scratch/upstream.port")")
healthy() { curl --silent --fail --output /dev/null "http://127.0.0.1:$dashboard/api/health"; }
recorded() { curl --silent --fail "http://127.0.0.1:$dashboard/api/traces" | grep --quiet --fixed-strings gpt-4o-mini; }
(as_someone "${settings[@]}" llmflow serve) &
server=$!
processes+=("$server")
wait_for "$server" healthy
curl --silent --fail --header 'content-type: application/json' "http://127.0.0.1:$proxy/v1/chat/completions" \
    --data '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}' | grep --fixed-strings hello
wait_for "$server" recorded
curl --silent --fail "http://127.0.0.1:$dashboard/" | grep --quiet --ignore-case '<!doctype html' ||
    fail "the dashboard's page is not in the binary"
kill -TERM "$server"
wait "$server" || fail "llmflow serve did not end well"

say "the window"
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -ac 3>"$scratch/display" 2>"$scratch/xvfb.log" &
screen=$!
processes+=("$screen")
wait_for "$screen" test -s "$scratch/display"
DISPLAY=:$(cat "$scratch/display")
export DISPLAY
mkdir -p "$root/tmp/.X11-unix"
mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
(as_someone dbus-daemon --session --nofork --nopidfile --print-address=3 3>"$scratch/bus") &
bus=$!
processes+=("$bus")
wait_for "$bus" test -s "$scratch/bus"
settings+=("DISPLAY=$DISPLAY" "DBUS_SESSION_BUS_ADDRESS=$(head -n 1 "$scratch/bus")" NO_AT_BRIDGE=1)
shown() { xwininfo -root -tree | grep --quiet --fixed-strings '"LLMFlow"'; }
# A page that is drawn has more colours than an empty window.
drawn() { [ "$(import -window root "$scratch/window.png" && identify -format %k "$scratch/window.png")" -gt 50 ]; }
(as_someone "${settings[@]}" llmflow-desktop) &
window=$!
processes+=("$window")
wait_for "$window" shown
wait_for "$window" healthy
wait_for "$window" drawn
wait_for "$window" recorded
[ -z "$kept" ] || cp "$scratch/window.png" "$root.png"
kill -TERM "$window"
wait "$window" || fail "llmflow-desktop did not end well"
kill "$bus" "$screen" "$upstream"
wait "$bus" "$screen" "$upstream" 2>/dev/null || true
umount "$root/tmp/.X11-unix"

say "removed: nothing is left but what the user recorded"
inside apt-get purge --yes --quiet=2 llmflow >>"$scratch/apt.log" 2>&1
! inside dpkg-query --show llmflow >/dev/null 2>&1 || fail "dpkg still knows llmflow"
files >"$scratch/after"
diff "$scratch/before" "$scratch/after" || fail "these files are not as they were before"
[ -s "$root/home/someone/.llmflow/data.db" ] || fail "the user's data is gone"
(cd "$root/home/someone" && find . -maxdepth 3 -not -path . -not -path './.cache/*/*' | LC_ALL=C sort)
say "ok: $(basename "$package") installs, runs and leaves nothing behind"
