/* The table of processes: the title of each, its ids and limits, and what it
 * can't do. Data only. The system calls are in src/ROOM/seccomp.c. */
#include <stddef.h>

#include "sallyport/sandbox/sandbox.h"

static const struct sandbox_row rows[PROCESS_SANDBOXED] = {
    [PROCESS_MASTER] = {
        .title = "sallyport: master",
        .forks = true,
        .cannot = "make a socket, connect, bind or listen once it is "
                  "up; execute anything outside its own filter",
    },
    [PROCESS_GATE] = {
        .title = "sallyport: gate",
        .own_ids = true,
        .empty_root = true,
        .forks = true,
        .silent = true,
        .cannot = "open a file; make a socket, bind or connect (but, with "
                  "active = yes, to clients); listen; execute; become another "
                  "user",
    },
    [PROCESS_SESSION] = {
        .title = "sallyport: session",
        .cannot = "open, socket, bind, connect, sendto with an address, "
                  "execve, fork, kill; see other sessions, hashes, private "
                  "keys",
    },
    [PROCESS_AUTH] = {
        .title = "sallyport: auth",
        .own_ids = true,
        .empty_root = true,
        .silent = true,
        .cannot = "see files or keys; reach the network; give itself rights",
    },
    [PROCESS_KEYS] = {
        .title = "sallyport: keys",
        .own_ids = true,
        .empty_root = true,
        .silent = true,
        .cannot = "sign anything that isn't a TLS handshake; see files, users "
                  "or hashes; reach the network",
    },
    [PROCESS_FILES] = {
        .title = "sallyport: files",
        .own_ids = true,
        .landlock = true,
        .silent = true,
        .cannot = "see the network or another user; execute; open but by "
                  "openat2 beneath its home",
    },
    [PROCESS_LOG] = {
        .title = "sallyport: log",
        .own_ids = true,
        .empty_root = true,
        .cannot = "see files but its own log's descriptors; reach the network",
    },
    [PROCESS_LOOKUP] = {
        .title = "sallyport: lookup",
        .own_ids = true,
        .forks = true,
        .landlock = true,
        .only_reads = true,
        .silent = true,
        .cannot = "change a file, or open one outside the system's "
                  "directories; listen; execute; become another user",
    },
    [PROCESS_READER] = {
        .title = "sallyport: reader",
        .own_ids = true,
        .landlock = true,
        .cannot = "open a file; reach the network; execute; become another "
                  "user",
    },
    [PROCESS_CHECK] = {
        .title = "sallyport: check",
        .landlock = true,
        .cannot = "open or change a file (it may look whether a directory can "
                  "be entered); reach the network; execute",
    },
};

const struct sandbox_row *sandbox_row(enum process p)
{
    return (unsigned)p < PROCESS_SANDBOXED ? &rows[p] : NULL;
}
