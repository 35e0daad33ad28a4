/* The table of users that reader makes for master, auth and check: this head,
 * the rows of users, shares, teams, grants (struct grant) and directories, and
 * the text, to which the rows point. Grants and directories are in the order of
 * the users, and each user has the next ones. Fields are numbers of one size,
 * so nothing is between them. */
#ifndef SALLYPORT_USERS_IMAGE_H
#define SALLYPORT_USERS_IMAGE_H

#include "sallyport/ipc/generation.h"
#include "sallyport/users/users.h"

struct users_head {
    char build[BUILD_NAME_MAX];
    uint32_t users, shares, teams, grants, directories; /* numbers of rows */
};

struct users_span {
    uint32_t at, len; /* in the text */
};

/* The fields of struct row_limits. No NUL follows the texts. */
struct users_limits {
    uint32_t number[ROW_LIMITS][2]; /* the lower and the higher half */
    struct users_span networks, hours;
};

/* The fields of struct user. A NUL follows each text but those of
 * certificate and totp. */
struct users_row {
    struct users_span name, comment, home, hash, certificate, totp;
    uint32_t uid, gid, rights;
    uint32_t choice[CHOICES];
    uint32_t certificate_only, locked, line;
    uint32_t expires[2]; /* the lower and the higher half */
    struct users_limits limits;
    uint32_t team[USER_TEAMS_MAX]; /* its place in the table, from 1 on; or 0 */
    uint32_t quota[4];             /* the bytes of struct user_quota */
    uint32_t file_mode, dir_mode, max_files;
    uint32_t must_change;
    uint32_t grants, directories; /* how many */
};

/* The fields of struct share. */
struct users_share {
    struct users_span name, path;
    uint32_t gid, file_mode, line;
    uint32_t quota[4];
};

/* The fields of struct team. */
struct users_team {
    struct users_span name;
    struct users_limits limits;
};

/* The fields of struct directory_right. */
struct users_directory {
    struct users_span path;
    uint32_t rights;
};

#define USERS_IMAGE_MAX                                                        \
    (sizeof(struct users_head) + USERS_MAX * sizeof(struct users_row) +        \
     SHARES_MAX * sizeof(struct users_share) +                                 \
     TEAMS_MAX * sizeof(struct users_team) +                                   \
     GRANTS_MAX * sizeof(struct grant) +                                       \
     DIRECTORIES_MAX * sizeof(struct users_directory) + USERS_FILE_MAX + 1)

#endif
