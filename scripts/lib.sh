# Shared by the scripts: the project's root, and the Python tools in target/venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
VENV=$ROOT/target/venv

say() { printf '\n== %s\n' "$*" >&2; }

# apt_install PACKAGE…: installs Debian packages, as root or by sudo; says so where it can't.
apt_install() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    command -v apt-get >/dev/null || { echo "please install: $*" >&2; return 1; }
    $sudo apt-get update -qq && $sudo apt-get install -y -qq "$@" >/dev/null
}

# venv [FOLDER REQUIREMENTS [PIP OPTION…]]: makes target/venv with tests/requirements.txt, or another,
# once for each content of that file.
venv() {
    local folder=${1:-$VENV} list=${2:-tests/requirements.txt} stamp
    shift $(($# < 2 ? $# : 2))
    stamp=$folder/$(sha256sum "$list" | cut -c1-16)
    [ -e "$stamp" ] && return
    say "Python tools into ${folder#"$ROOT/"}"
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" -r "$list"
    touch "$stamp"
}
