/* The set-up that master gives to a program by executing it: descriptors, and
 * one struct with everything else. So the set-up needs no message. */
#ifndef SALLYPORT_IPC_SETUP_H
#define SALLYPORT_IPC_SETUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/process.h"
#include "sallyport/domain/limits.h"
#include "sallyport/ipc/generation.h"

/* The program begins with the standard descriptors, its channel to master, the
 * struct in a sealed file, and then the descriptors that the struct names. */
#define SETUP_CHANNEL_FD 3
#define SETUP_STRUCT_FD  4

#define SETUP_LISTENERS 16
#define SETUP_NAME_MAX  256

/* The places of descriptors in the struct. Each process gets only few
 * descriptors: its function in src/server/master/children/setup.c chooses them.
 */
enum setup_place {
    SETUP_EMPTY, /* the directory to chroot to */
    SETUP_LOG,   /* the process's end of the channel to log; it stays open when
                    log is restarted */
    SETUP_KEYS,  /* the process's end of the channel to keys; it stays open when
                    keys is restarted */
    SETUP_BEAT,  /* a page of this process alone, for its heartbeat (board.h) */
    SETUP_SETTINGS, /* `struct settings` in a sealed file */
    SETUP_MEMORY,   /* failure counts and keys of tickets, which all gates
                       share */
    SETUP_BANS,     /* master's table of bans, to read */
    SETUP_BOARD,    /* the board (board.h), to read */
    SETUP_OUTPUT,   /* where log writes its lines */
    SETUP_METRICS,  /* the counters that log writes */
    /* PEM files: the CAs of clients' certificates, and the revocation lists. */
    SETUP_CLIENT_CA,
    SETUP_CLIENT_CRL,
    /* The listener of each `listen`. */
    SETUP_LISTENER,
    /* Certificate chains and private keys. A chain and a key at the same
     * position are a pair. */
    SETUP_CERTIFICATE = SETUP_LISTENER + SETUP_LISTENERS,
    SETUP_KEY = SETUP_CERTIFICATE + CERTIFICATES_MAX,
    SETUP_PLACES = SETUP_KEY + CERTIFICATES_MAX
};

/* The most descriptors from SETUP_STRUCT_FD on: the struct's file, and one for
 * each place. */
#define SETUP_FDS (1 + SETUP_PLACES)

struct setup_file {
    int fd;      /* -1: not given */
    bool in_use; /* the process accepts this file even if it has expired: it was
                    in use before, or this is the first start */
    char name[SETUP_NAME_MAX]; /* the file's name, for complaints */
};

/* The set-up of a process. It contains no secrets: master passes secrets in
 * messages, which are wiped, and in files. */
struct setup {
    char build[BUILD_NAME_MAX];
    /* The sandbox. */
    bool root; /* started by root */
    uid_t uid;
    gid_t gid;
    unsigned allow_weaker;
    /* The most sessions that can live: more than max_sessions if an earlier
     * generation had a larger max_sessions, since all sessions of that
     * generation can come to this process. */
    uint64_t sessions;
    uint64_t generation; /* gate: its row on the board */
    unsigned log_format; /* log: enum log_format */
    bool prefixed;       /* log: systemd reads "<N>" before a line as its
                            severity */
    struct setup_file file[SETUP_PLACES];
};

/* Fills in the build, and sets all descriptors to -1. */
void setup_init(struct setup *s);
/* Writes the struct into a sealed file. FD gets the descriptors that the
 * program must have from SETUP_STRUCT_FD on: first the file, which the caller
 * must close, then the descriptors of S, by their numbers in this process.
 * Returns how many there are in FD, or -errno. */
int setup_write(const struct setup *s, int fd[SETUP_FDS]);
/* Reads the struct that master has written into FD, and closes FD. SELF is this
 * process. Returns 0, or -EINVAL with the complaint that master is of another
 * build. */
int setup_read(struct setup *s, enum process self, int fd, struct complaint *c);
/* Returns the descriptor of a place, which the caller then owns, or -1. */
int setup_take(struct setup *s, size_t place);
/* Closes the descriptors that setup_take() hasn't returned. */
void setup_close(struct setup *s);

#endif
