/* The table of users that reader makes for master, auth and check: this head,
 * the rows of users, shares, teams and grants (struct grant), and the text, to
 * which the rows point. Grants are in the order of their users. A row consists
 * of 8-byte cells, so it has no padding. */
#ifndef SALLYPORT_USERS_IMAGE_H
#define SALLYPORT_USERS_IMAGE_H

#include "sallyport/ipc/generation.h"
#include "sallyport/users/users.h"

struct users_head {
    char build[BUILD_NAME_MAX];
    uint64_t users, shares, teams, grants; /* numbers of rows */
};
union users_cell {
    uint64_t number;
    struct {
        uint32_t at, len; /* a place and a length in the text */
    };
};

/* The kind of a cell. users_take() checks each cell by the bounds LEAST and
 * MOST of its field. */
enum users_kind {
    USERS_TEXT,   /* LEAST to MOST bytes, and a NUL after them */
    USERS_NAME,   /* a USERS_TEXT that is a user's name */
    USERS_GROUP,  /* a USERS_TEXT that is the name of a share or team */
    USERS_PATH,   /* a USERS_TEXT that is a path */
    USERS_PART,   /* LEAST to MOST bytes, without a NUL after them */
    USERS_NUMBER, /* from LEAST to MOST */
    USERS_MODE,   /* 0, or all bits of LEAST and only bits of MOST */
    USERS_LIMIT,  /* 0: not set, or the number + 1; LEAST is the place in
                     limit_rows */
    USERS_TEAM,   /* 0: no team, or the team's place in the table + 1 */
};

/* The fields of struct row_limits. */
#define USERS_LIMIT_FIELD(F, row, key, option, value, none, least, most, help) \
    F(LIMIT, key, limits.number[ROW_##row], ROW_##row, 0)
#define USERS_LIMIT_FIELDS(F)                                                  \
    LIMITS(USERS_LIMIT_FIELD, F)                                               \
    F(PART, networks, limits.networks, 0, USER_LINE_MAX)                       \
    F(PART, hours, limits.hours, 0, USER_LINE_MAX)

/* The fields of struct user. Fields that aren't here are 0 in master. */
#define USERS_ROW_FIELDS(F)                                                    \
    F(NAME, name, name, 1, USER_NAME_MAX)                                      \
    F(TEXT, comment, comment, 0, USER_COMMENT_MAX)                             \
    F(TEXT, home, home, 0, USER_HOME_MAX)                                      \
    F(TEXT, hash, hash, 0, USER_HASH_MAX)                                      \
    F(PART, certificate, certificate, 0, USER_LINE_MAX)                        \
    F(PART, totp, totp, 0, TOTP_TEXT_MAX)                                      \
    F(NUMBER, uid, uid, 0, USER_ID_MAX)                                        \
    F(NUMBER, gid, gid, 0, USER_ID_MAX)                                        \
    F(NUMBER, rights, rights, 0, RIGHTS_MOST)                                  \
    F(NUMBER, conflict, choice[CHOICE_CONFLICT], 0, CONFLICT_COUNT)            \
    F(NUMBER, upload_eof, choice[CHOICE_UPLOAD_EOF], 0, UPLOAD_EOF_COUNT)      \
    F(NUMBER, binding, choice[CHOICE_BINDING], 0, BINDING_COUNT)               \
    F(NUMBER, certificate_only, certificate_only, 0, 1)                        \
    F(NUMBER, locked, locked, 0, 1)                                            \
    F(NUMBER, must_change, must_change, 0, 1)                                  \
    F(NUMBER, expires, expires, 0, INT64_MAX)                                  \
    USERS_LIMIT_FIELDS(F)                                                      \
    F(TEAM, team_1, team[0], 0, 0)                                             \
    F(TEAM, team_2, team[1], 0, 0)                                             \
    F(TEAM, team_3, team[2], 0, 0)                                             \
    F(TEAM, team_4, team[3], 0, 0)                                             \
    F(MODE, file_mode, file_mode, FILE_MODE_NEEDED, FILE_MODE_MOST)            \
    F(MODE, dir_mode, dir_mode, DIR_MODE_NEEDED, DIR_MODE_MOST)                \
    F(NUMBER, grants, grants, 0, USER_MOUNTS_MAX)                              \
    F(NUMBER, line, line, 0, USERS_FILE_MAX)

_Static_assert(CHOICES == 3 && USER_TEAMS_MAX == 4,
               "each of them has a line here");

/* The fields of struct share and struct team. */
#define USERS_SHARE_FIELDS(F)                                                  \
    F(GROUP, name, name, 1, USER_NAME_MAX)                                     \
    F(PATH, path, path, 1, USER_HOME_MAX)                                      \
    F(NUMBER, gid, gid, SHARE_GID_MIN, USER_ID_MAX)                            \
    F(MODE, file_mode, file_mode, FILE_MODE_NEEDED, FILE_MODE_MOST)            \
    F(NUMBER, line, line, 0, USERS_FILE_MAX)
#define USERS_TEAM_FIELDS(F)                                                   \
    F(GROUP, name, name, 1, USER_NAME_MAX)                                     \
    F(PART, shares, shares, 0, USER_LINE_MAX)                                  \
    USERS_LIMIT_FIELDS(F)

#define USERS_CELL(kind, name, member, least, most) union users_cell name;
struct users_row {
    USERS_ROW_FIELDS(USERS_CELL)
};
struct users_share {
    USERS_SHARE_FIELDS(USERS_CELL)
};
struct users_team {
    USERS_TEAM_FIELDS(USERS_CELL)
};

/* The same lists of fields as tables, for the writer and for users_take(). */
struct users_field {
    enum users_kind kind;
    size_t at, size; /* in the struct */
    uint64_t least, most;
};
struct users_fields {
    size_t count, size; /* count: of the fields; size: of the struct */
    const struct users_field *field;
};
extern const struct users_fields users_row_fields, users_share_fields,
    users_team_fields;

/* The parts of a table in memory. */
struct users_image {
    const struct users_head *head;
    const struct users_row *row;
    const struct users_share *share;
    const struct users_team *team;
    const struct grant *grant;
    char *text;
    size_t text_size;
};

#define USERS_IMAGE_MAX                                                        \
    (sizeof(struct users_head) + USERS_MAX * sizeof(struct users_row) +        \
     SHARES_MAX * sizeof(struct users_share) +                                 \
     TEAMS_MAX * sizeof(struct users_team) +                                   \
     GRANTS_MAX * sizeof(struct grant) + USERS_FILE_MAX + 1)

#endif
