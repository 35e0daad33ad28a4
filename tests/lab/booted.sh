# Sourced by service and packages, as root in a mount namespace of their own:
# a Debian in memory, and boots of it by systemd-nspawn. They run a script in there,
# which writes down facts, and judge the facts.

wrongs=()
places=() # what finish() removes, with all mounts below
boot_seconds=${boot_seconds:-600}

wrong() {
    echo "WRONG: $*"
    wrongs+=("$*")
}

boot= # the process of a running systemd-nspawn
finish() {
    if [[ -n $boot ]]; then
        kill "$boot" 2>/dev/null || true # timeout(1) passes it on
        wait "$boot" 2>/dev/null || true
    fi
    local place
    for place in "${places[@]}"; do
        umount --recursive "$place" 2>/dev/null || true
        # Never across a mount: a mount that couldn't be unmounted belongs to the
        # machine.
        rm -rf --one-file-system -- "$place"
    done
}
trap finish EXIT
trap 'exit 143' INT TERM

# Prints a new directory in memory.
make_place() {
    local place
    place=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-booted-XXXXXX")
    mount -t tmpfs -o mode=0755,dev,exec,suid tmpfs "$place"
    echo "$place"
}

inside() {
    env -i PATH=/usr/sbin:/usr/bin LC_ALL=C chroot "$tree" "$@"
}

# PACKAGES INSIDE: makes TREE, a Debian of RELEASE with systemd and these packages.
# In each boot the script INSIDE runs, with the name of a part. The parts need a
# password and the name ftp.example.org.
make_tree() {
    "$source/etc/need" mmdebstrap ca-certificates
    tree=$(make_place)
    places+=("$tree")
    mkdir -p /run/systemd # systemd-nspawn keeps files there, which end with this script
    mount -t tmpfs -o mode=0755 tmpfs /run/systemd
    echo "==> a Debian $DEBIAN with systemd in $tree"
    mmdebstrap --variant=minbase --quiet \
        --include="systemd-sysv,systemd-container,curl,$1" "$RELEASE" "$tree"
    chmod 0755 "$tree"
    mkdir -p "$tree/var/log/journal"
    cp "$source/tests/lab/inside.sh" "$source/tests/lab/$2" "$tree/root/"
    (umask 077 && head -c 18 /dev/urandom | base64 >"$tree/root/password")
    echo '127.0.0.1 ftp.example.org localhost' >"$tree/etc/hosts"
    echo ftp.example.org >"$tree/etc/hostname"
    units=$tree/etc/systemd/system
    cat >"$units/sallyport-test@.service" <<END
[Unit]
After=sallyport.service network-online.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
TimeoutStartSec=$((boot_seconds - 30))
ExecStart=/root/$2 %i
END
}

# Uses the tree's own systemd-nspawn, since an installation could change this
# machine's systemd. It is older than Landlock, and refuses calls that it doesn't
# know.
nspawn() {
    local libraries
    libraries=$(echo "$tree"/usr/lib/*-linux-gnu*)
    exec timeout --kill-after=10 "$boot_seconds" \
        "$(echo "$libraries"/ld-linux*.so.*)" --inhibit-rpath '' \
        --library-path "$libraries:$libraries/systemd" \
        "$tree/usr/bin/systemd-nspawn" --quiet --boot --directory="$tree" \
        --machine="sallyport-$$" --register=no --keep-unit --private-network \
        --console=pipe --resolv-conf=off --timezone=off --link-journal=no \
        --system-call-filter="landlock_create_ruleset landlock_add_rule \
            landlock_restrict_self"
}

# boot_for PART: service_inside does PART in a boot of its own.
boot_for() {
    local status=0 link
    link=$units/multi-user.target.wants/sallyport-test@$1.service
    echo "==> a boot: $1"
    mkdir -p "${link%/*}"
    ln -s ../sallyport-test@.service "$link"
    nspawn </dev/null >"$tree/root/console.$1" 2>&1 &
    boot=$!
    wait "$boot" || status=$?
    boot=
    rm "$link"
    ((status == 0)) || wrong "$1: the boot ended with status $status"
    cat "$tree/root/facts.$1" 2>/dev/null || true
}

# judge PART, with "name: regular expression" on each line: each must be found.
judge() {
    local part=$1 line
    while IFS= read -r line; do
        grep -Eqx -- "$line" "$tree/root/facts.$part" 2>/dev/null ||
            wrong "$part: there should be $line; there is" \
                "$(grep "^${line%%:*}:" "$tree/root/facts.$part" 2>/dev/null)"
    done
}

# Prints the ends of the consoles and journals of all parts.
show_boots() {
    local file
    for file in "$tree"/root/{console,journal}.*; do
        [[ -s $file ]] || continue
        echo "---- ${file##*/}"
        tail -n 80 "$file"
    done
}
# The last lines are those that a reader of a long output sees.
end_if_wrong() {
    ((${#wrongs[@]} > 0)) || return 0
    show_boots
    printf 'WRONG: %s\n' "${wrongs[@]}"
    exit 1
}
