# Sourced by quota_vm and nfs_vm, after debian.sh: a virtual machine with Debian's kernel,
# whose first process is a script of ours in an initramfs. It writes lines to the console
# ("right: …", "WRONG: …"), and END when it has played everything.

# NAME ARGUMENTS…: the rest of the script runs in a mount namespace of its own, so that
# every mount ends with the process. Sets source, tree and build.
machine_begin() {
    machine=$1
    shift
    ((EUID == 0)) || { echo "tests/system/$machine: needs root" >&2; exit 77; }
    if [[ ${SALLYPORT_VM_INSIDE:-} != 1 ]]; then
        SALLYPORT_VM_INSIDE=1 exec unshare --mount --propagation private -- \
            "$BASH" "${BASH_SOURCE[1]}" "$@"
    fi
    source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
    build=${SALLYPORT_BUILD:-$source/build/release}
    "$source/etc/need" mmdebstrap ca-certificates qemu-system-x86 cpio
    tree=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-vm-XXXXXX")
    trap machine_finish EXIT
    trap 'exit 143' INT TERM
    mount -t tmpfs -o mode=0755,dev,exec,suid tmpfs "$tree"
}
machine_finish() {
    umount --recursive "$tree" 2>/dev/null || true
    rm -rf --one-file-system -- "$tree"
}

# PACKAGES DIRECTORY…: a Debian with these packages and the build, in $tree/root, and its
# kernel with the modules of these directories.
machine_make() {
    local packages=$1 kernel modules
    shift
    echo "==> a Debian $DEBIAN with its kernel in $tree"
    mmdebstrap --variant=minbase --quiet --include="$packages,$LIBRARIES" \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "$RELEASE" "$tree/root"
    apt-get -q update >/dev/null
    kernel=$(apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
    [[ -n $kernel ]] || { echo "no linux-image-cloud-amd64 in apt" >&2; exit 69; }
    (cd "$tree" && apt-get -o APT::Sandbox::User=root download -q "$kernel" >/dev/null)
    dpkg-deb -x "$tree/$kernel"_*.deb "$tree/kernel"
    version=${kernel#linux-image-}
    modules=$tree/root/usr/lib/modules/$version
    mkdir -p "$modules"
    (cd "$tree/kernel/lib/modules/$version" &&
        cp --parents -r modules.builtin* modules.order "$@" "$modules")
    chroot "$tree/root" depmod -a "$version"
    rm -rf "$tree/root/var/cache" "$tree/root/var/lib/apt" "$tree/root/usr/share/man"
    DESTDIR=$tree/root cmake --install "$build" --prefix /usr >/dev/null
    install -m 0755 "$source/tests/system/${machine}_inside" "$tree/root/init"
}

# SECONDS WORDS QEMU…: runs it with these words on the kernel's command line, and these
# options. Shows its facts; ends with 1 if one is wrong, or if it ended too early.
machine_run() {
    local seconds=$1 words=$2
    shift 2
    (cd "$tree/root" && find . -xdev | cpio --quiet -o -H newc) >"$tree/initrd"
    echo "==> its tests"
    timeout -k 5 "$seconds" qemu-system-x86_64 -machine q35 -cpu max \
        -nodefaults -no-user-config -display none -no-reboot \
        -kernel "$tree/kernel/boot/vmlinuz-$version" -initrd "$tree/initrd" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off rdinit=/init $words" \
        -device virtio-rng-pci -serial stdio "$@" </dev/null |
        tr -d '\r' | tee "$tree/said" | grep -aE --line-buffered '^(==>|right:|WRONG:|  )' ||
        echo "qemu ended with $?"
    if ! grep -aq '^END' "$tree/said"; then
        tail -n 40 "$tree/said"
        echo "tests/system/$machine: the machine ended too early"
        exit 1
    fi
    ! grep -aq '^WRONG:' "$tree/said" || exit 1
    right=$(grep -ac '^right:' "$tree/said" || true)
}
