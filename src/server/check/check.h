/* The program check: its parts, and the objects that it looks at. */
#ifndef SALLYPORT_SRC_CHECK_CHECK_H
#define SALLYPORT_SRC_CHECK_CHECK_H

#include <limits.h>
#include <stdbool.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/random.h"
#include "sallyport/settings/prepared.h"
#include "sallyport/settings/settings.h"
#include "sallyport/unit/unit.h"
#include "sallyport/users/users.h"

struct check {
    struct settings settings;
    struct users users;
    struct unit unit;     /* what systemd forbids */
    bool root;            /* root runs the server */
    bool in_unit;         /* systemd has started the server */
    const char *key_lost; /* why the partials' key isn't kept; "": it is kept */
};

/* parts.c: the parts of mode "prepare": what a start needs before master starts
 * a process. Each part returns its result, with the complaint in *c. */
typedef int check_part(const struct check *k, struct prepared *p,
                       struct complaint *c);

/* Finds the accounts of all children, which must differ from each other and
 * from the users' accounts. If root doesn't run the server, the children have
 * no accounts. Finds the group of `control_group`, too. */
check_part part_accounts;
/* Checks the directory `empty`, and makes it if p->make. */
check_part part_empty;
/* key.c: opens the directory `state`, and finds or makes the key of the
 * partials' names, in `state` or in `partials_key`. If p->inherited, the file
 * must have the key in P, since a restart would use the file's key. */
check_part part_key;
/* Checks whether this kernel and container can do what master and files need
 * for their sandboxes. */
check_part part_sandbox;

/* Returns R. If R is -EINVAL, the complaint "VALUE: WHY" becomes "FILE:LINE:
 * KEY = VALUE: WHY". */
int part_refuse(const struct check *k, const char *key, int r,
                struct complaint *c);

/* Finds an account. Returns 0; -ENOENT, without a complaint: no account has
 * this name; -EINVAL: the account is root's, or has a reserved uid. */
int account_find(const char *name, struct account_ids *ret,
                 struct complaint *c);
/* Checks the empty directory; if MAKE, first makes it. Returns 0; -ENOENT,
 * without a complaint: it is missing; -EINVAL with "PATH: WHY". */
int account_empty_directory(const char *path, bool make, struct complaint *c);

/* A look at the homes and other things that the users' rows name. `report` gets
 * each mistake. */
struct look {
    const struct check *check;
    void (*report)(void *owner, const char *mistake);
    void *owner;
    bool lost;       /* check_lost() has said that a disk isn't mounted */
    size_t *passing; /* how many reports are no mistakes; NULL: not counted */
};
/* Returns the text of ERROR for a report, which is no mistake if the error may
 * pass. */
const char *look_error(const struct look *l, int error);
/* homes.c: reports "FILE:LINE: WHO NAME: " and the words; WHO: user or share.
 */
void look_mistake(const struct look *l, const char *who, const char *name,
                  size_t line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Reports in one line that most homes in `homes` are missing. Then the other
 * functions are silent about what is missing: their commands would make it in
 * the directory on which the disk belongs. */
void check_lost(struct look *l);
/* Reports each mistake in the users' rows. Doesn't look at the homes of locked
 * users. If root runs it, it takes each user's ids for a while, so call it in a
 * process that does nothing else. A home on a network disk can block it. */
void check_users(const struct look *l);
/* Reports homes and shares that lie in each other, also by symbolic links. */
void check_places(const struct look *l);

/* Returns true if the setting `homes` is probably a typing error; then *c has
 * the hint. */
bool hint_homes(const struct check *k, struct complaint *c);

/* Finds the path of the users file, through links, and the path of its
 * directory. */
void check_users_path(const struct settings *s, char path[PATH_MAX],
                      char directory[PATH_MAX]);
/* If users can change their passwords, reports why the server can't replace the
 * users file. */
void check_users_file(const struct look *l);

/* shares.c: reports each mistake in the shares. */
void check_shares(const struct look *l);

/* A property that a file system lacks. WRONG: the server can't use the disk;
 * otherwise it can use the disk, but loses something. */
struct probe_loss {
    bool wrong;
    const char *what, *then;
};
typedef void probe_report(void *owner, const struct probe_loss *loss,
                          int error);
/* probe.c: tries a file system with two files in DIRECTORY, and removes the
 * files. Returns 0; -errno: it can't make a file. */
int probe_directory(int directory, probe_report *report, void *owner);

/* A line of /proc/self/mounts. Longer texts are cut. */
struct mount_info {
    char point[SETTINGS_PATH_MAX], type[64], options[1024];
};
/* Options of NFS. mount_keeps_locks() returns true if locks stay on this
 * machine. mount_remembers() returns true if the kernel remembers names for a
 * while, and doesn't ask the NFS server again. mount_gives_up() returns true if
 * a request can fail although the NFS server executes it. */
bool mount_keeps_locks(const struct mount_info *m);
bool mount_remembers(const struct mount_info *m);
bool mount_gives_up(const struct mount_info *m);
/* mounts.c: prints each property that a disk of the users file, the homes or
 * the shares lacks. Returns true if the server can't use one of these disks.
 * The other lines are warnings, and some are harmless if no other server uses
 * these files. If root runs it, it takes the users' ids for a while. */
bool check_mounts(const struct check *k, size_t *passing);

/* weaker.c: writes the promises that the configuration weakens, with "; "
 * between them. Writes nothing if all promises hold. */
#define WEAKER_MAX 4096
void weaker_text(const struct check *k, struct buf *into);

/* hints.c */

/* Reports each range of ids, of users or shares, that this container lacks.
 * Call it outside the sandbox. */
void check_ids(const struct look *l);

/* Returns true if the uids of users and the gids of shares overlap. The gid of
 * a new user is equal to the uid. */
bool hint_ranges(const struct settings *s);

#define HINT_OWN_MAX 64

/* Returns the private address that PASV would announce to clients from
 * anywhere. OWN has the N addresses of this machine. Returns NULL if the
 * configuration sets the address, if PASV would announce no private address, or
 * if it would also announce a public address. */
const struct address *hint_private(const struct settings *s,
                                   const struct address *own, size_t n);
/* Reads the addresses of this machine. Returns their number; 0 also after an
 * error: then there is no hint. */
size_t hint_own_addresses(struct address own[HINT_OWN_MAX]);
/* Prints a hint if the clock isn't synchronized. Call it outside the sandbox.
 */
void hint_system(void);
/* Prints the hints of hint_ranges() and hint_private(), if they apply. */
void hint_print(const struct settings *s, const struct address *own, size_t n);

#endif
