# Sourced by arm64_vm, nfs_vm and quota_vm, after debian.sh: a virtual machine with Debian's
# kernel, whose first process is a script of ours in an initramfs. It writes lines to the
# console ("right: …", "WRONG: …"), and END when it has played everything.

architecture=amd64 # of the machine
emulators=(qemu-system-x86)
qemu=(qemu-system-x86_64 -machine q35 -cpu max)
console=ttyS0
# Call before machine_begin, for a machine of arm64.
machine_arm64() {
    architecture=arm64
    emulators=(qemu-system-arm qemu-user-static)
    qemu=(qemu-system-aarch64 -machine virt -cpu "max,pauth-impdef=on")
    console=ttyAMA0
}

# NAME ARGUMENTS…: the rest of the script runs in a mount namespace of its own, so that
# every mount ends with the process. Sets source, tree and build.
machine_begin() {
    machine=$1
    shift
    ((EUID == 0)) || { echo "tests/lab/$machine: needs root" >&2; exit 77; }
    if [[ ${SALLYPORT_VM_INSIDE:-} != 1 ]]; then
        SALLYPORT_VM_INSIDE=1 exec unshare --mount --propagation private -- \
            "$BASH" "${BASH_SOURCE[1]}" "$@"
    fi
    source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
    build=${SALLYPORT_BUILD:-$source/build/release}
    "$source/etc/need" mmdebstrap ca-certificates cpio "${emulators[@]}"
    command -v "${qemu[0]}" >/dev/null ||
        { echo "tests/lab/$machine: no ${qemu[0]}" >&2; exit 69; }
    tree=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-vm-XXXXXX")
    trap machine_finish EXIT
    trap 'exit 143' INT TERM
    mount -t tmpfs -o mode=0755,dev,exec,suid tmpfs "$tree"
}
binfmt=/proc/sys/fs/binfmt_misc
emulated=$binfmt/sallyport-$$
machine_finish() {
    [[ ! -e $emulated ]] || echo -1 >"$emulated"
    umount --recursive "$tree" 2>/dev/null || true
    rm -rf --one-file-system -- "$tree"
}

no_debian() {
    echo "tests/lab/$machine: no Debian $DEBIAN from a mirror; see above" >&2
    exit 69
}

# Has the kernel run programs of arm64 by qemu-user until the end, unless it does so.
machine_emulate() {
    local same='\xff\xff\xff\xff\xff\xff\xff' elf='\x7fELF\x02\x01\x01'
    local none='\x00\x00\x00\x00\x00\x00\x00\x00\x00'
    mountpoint -q "$binfmt" && [[ -e $binfmt/status ]] ||
        mount -t binfmt_misc binfmt_misc "$binfmt"
    ! grep -qx 'interpreter .*aarch64.*' "$binfmt"/*aarch64* 2>/dev/null || return 0
    printf '%s\n' ":${emulated##*/}:M::$elf$none\x02\x00\xb7\x00:$same\x00$same\xff\xfe\xff\xff\xff:$(
        command -v qemu-aarch64-static):F" >"$binfmt/register"
}

# PACKAGES DIRECTORY…: a Debian with these packages, in $tree/root, and its kernel with the
# modules of these directories; for amd64 with the build, too.
machine_make() {
    local packages=$1 image=linux-image-cloud-$architecture modules
    shift
    echo "==> a Debian $DEBIAN with its kernel in $tree"
    [[ $architecture = amd64 ]] || machine_emulate
    # The hook's apt is this machine's, with the tree's lists and architecture.
    # shellcheck disable=SC2016 # mmdebstrap's shell expands
    mmdebstrap --variant=minbase --quiet --architectures="$architecture" --skip=check/qemu \
        --include="$packages,$LIBRARIES" \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='cd "$1/.." && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" &&
            apt-get -o APT::Sandbox::User=root download -q "$(apt-cache depends '"$image"' |
            sed -n "s/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p" | head -n 1)" >/dev/null' \
        "$RELEASE" "$tree/root" || no_debian
    dpkg-deb -x "$tree"/linux-image-*.deb "$tree/kernel"
    [[ -d $tree/kernel/lib ]] || ln -s usr/lib "$tree/kernel/lib" # since Debian 13
    version=$(basename "$tree"/kernel/lib/modules/*)
    modules=$tree/root/usr/lib/modules/$version
    mkdir -p "$modules"
    (cd "$tree/kernel/lib/modules/$version" &&
        cp --parents -r modules.builtin* modules.order "$@" "$modules")
    chroot "$tree/root" depmod -a "$version"
    rm -rf "$tree/root/var/cache" "$tree/root/var/lib/apt" "$tree/root/usr/share/man"
    [[ $architecture != amd64 ]] ||
        DESTDIR=$tree/root cmake --install "$build" --prefix /usr >/dev/null
    install -m 0755 "$source/tests/lab/${machine}_inside" "$tree/root/init"
}

# SECONDS WORDS QEMU…: runs it with these words on the kernel's command line, and these
# options. Shows its facts; ends with 1 if one is wrong, or if it ended too early.
machine_run() {
    local seconds=$1 words=$2
    shift 2
    (cd "$tree/root" && find . -xdev | cpio --quiet -o -H newc) >"$tree/initrd"
    echo "==> its tests"
    timeout -k 5 "$seconds" "${qemu[@]}" \
        -nodefaults -no-user-config -display none -no-reboot \
        -kernel "$tree/kernel/boot/vmlinuz-$version" -initrd "$tree/initrd" \
        -append "console=$console quiet panic=-1 mitigations=off rdinit=/init $words" \
        -device virtio-rng-pci -serial stdio "$@" </dev/null |
        stdbuf -oL tr -d '\r' | tee "$tree/said" | grep -aE --line-buffered '^(==>|right:|WRONG:|  )' ||
        echo "qemu ended with $?"
    if ! grep -aq '^END' "$tree/said"; then
        tail -n 40 "$tree/said"
        echo "tests/lab/$machine: the machine ended too early"
        exit 1
    fi
    ! grep -aq '^WRONG:' "$tree/said" || exit 1
    right=$(grep -ac '^right:' "$tree/said" || true)
}
