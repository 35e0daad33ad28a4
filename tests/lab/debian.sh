# Sourced by arm64_vm, bare, nfs_vm, packages, quota_vm and service, which make trees of
# Debian.

# WORD: sets RELEASE (bookworm or trixie), DEBIAN (12 or 13) and LIBRARIES, the
# packages with the libraries of the server's programs. WORD is one of the two
# names; "other", for the one that this machine isn't; or empty, for the one that
# it is. A machine with neither has trixie for its own.
choose_release() {
    local own
    # shellcheck disable=SC1091
    own=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    RELEASE=${1:-$own}
    [[ $RELEASE != other ]] || {
        RELEASE=bookworm
        [[ $own != bookworm ]] || RELEASE=trixie
    }
    case $RELEASE in
    bookworm) DEBIAN=12 ;;
    trixie) DEBIAN=13 ;;
    *)
        [[ -z ${1-} ]] || { echo "no release $1" >&2; exit 64; }
        RELEASE=trixie DEBIAN=13
        ;;
    esac
    LIBRARIES=libjansson4,libcrypt1
}

# SOURCE DIRECTORY: copies the tree without its builds. It takes the files that
# are or could be committed, so that a change is tested before its commit.
copy_source() {
    mkdir -p "$2"
    if git -c safe.directory='*' -C "$1" rev-parse --git-dir >/dev/null 2>&1
    then
        git -c safe.directory='*' -C "$1" ls-files -z --cached --others \
            --exclude-standard
    else
        (cd "$1" && find . -path ./build -prune -o -type f -print0)
    fi | (cd "$1" && tar --null -T - --ignore-failed-read -cf -) |
        tar -C "$2" --no-same-owner -xf -
}

# TREE: copies how this machine reaches its mirrors: proxies and the like, if it has
# any. A file of a package would be in the way of that package in there.
use_mirrors() {
    local file
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    for file in /etc/apt/apt.conf.d/*; do
        ! grep -Eiqs 'Acquire::|Proxy' "$file" || dpkg --search "$file" >/dev/null 2>&1 ||
            cp "$file" "$1/etc/apt/apt.conf.d/"
    done
}

# PACKAGE…: what apt would fetch for these files: the first of each alternative.
depends() {
    local deb
    for deb; do
        dpkg-deb --field "$deb" Depends
    done | tr ',' '\n' | sed 's/[|(].*//; s/ //g; /^$/d' | LC_ALL=C sort -u | paste -sd ,
}
